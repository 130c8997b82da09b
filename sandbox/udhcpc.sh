#!/bin/sh
# What udhcpc runs with each lease, in guests and in namespaces: address, routes, MTU; name servers only where NAMESERVERS names a file.
case $1 in
    deconfig)
        ip link set "$interface" up
        ip -4 addr flush dev "$interface"
        ;;
    bound | renew)
        ip addr show dev "$interface" | grep -q "inet $ip/$mask " || {
            ip -4 addr flush dev "$interface"
            ip addr add "$ip/$mask" dev "$interface"
        }
        if [ -n "$mtu" ]; then ip link set "$interface" mtu "$mtu"; fi
        if [ -n "$router" ]; then ip route replace default via "${router%% *}" dev "$interface"; fi
        set -- $staticroutes
        while [ $# -ge 2 ]; do
            ip route replace "$1" via "$2" dev "$interface"
            shift 2
        done
        if [ -n "$NAMESERVERS" ]; then
            for server in $dns; do echo "nameserver $server"; done > "$NAMESERVERS"
        fi
        ;;
esac
exit 0
