/** Lines for dnsmasq's own configuration, through libvirt's dnsmasq namespace (5.6 and newer; not guaranteed by libvirt). */
import type { ListNode, ScalarNode } from "../../schema/node.js";
import { list, str } from "../../schema/node.js";
import { addChild, child, children, type Element } from "../../schema/xml.js";

const NS = "http://libvirt.org/schemas/network/dnsmasq/1.0";

const options = (el: Element): Element | undefined => child(el, "options", NS);

export const dnsmasqOptions: ListNode<ScalarNode<string>> = {
  ...list("", "option", str("@value")),
  elements: (el) => {
    const at = options(el);
    return at ? children(at, "option", NS) : [];
  },
  append: (el) => addChild(options(el) ?? addChild(el, "dnsmasq:options", NS), "dnsmasq:option", NS),
  remove: (el, item) => {
    const at = item.parentNode as Element;
    at.removeChild(item);
    if (children(at).length === 0) el.removeChild(at);
  },
};
