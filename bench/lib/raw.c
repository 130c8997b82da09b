/*
 * libvirt without us: what the benches compare with. Work is shared out over threads, each with a connection of its own.
 *
 *   raw URI create|delete|range THREADS FIRST COUNT RUNNING   networks bench-FIRST … bench-(FIRST+COUNT-1)
 *   raw URI read NAME TIMES [loop]                            one network, as Connection.networks.get reads it; with libvirt's
 *                                                             event loop on a thread of its own and keepalive, as we have them
 *   raw URI list TIMES [loop]                                 all networks with their stored definitions
 *   raw URI plug DOMAIN reads|writes XML                      a NIC of a running VM, in both definitions, over one connection
 *   raw URI move DOMAIN reads|writes STORED RUNNING           the same, by the <interface> that each definition shall have
 *   raw URI unplug DOMAIN reads|writes XML                    the same; the guest releases it meanwhile
 *   raw URI plugs NETWORK VMS EACH                            EACH NICs into each of the VMs vm0, vm1 …
 *
 * Prints the milliseconds it took, without process start and opening of connections.
 */
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *uri, *verb;
static int threads, first, count, running;
static pthread_barrier_t opened;
/* libvirtd loads its schema with the first definition, and two at once fail now and then: libxml2 then misses its own types. */
static pthread_mutex_t one_definition = PTHREAD_MUTEX_INITIALIZER;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void *check(void *result) {
  if (result == NULL) exit(1); /* libvirt has said why on stderr */
  return result;
}
static void checked(int result) {
  if (result < 0) exit(1);
}

/* The same network as bench/lib/networks.ts describes. */
static void definition(char *out, size_t size, int n) {
  snprintf(out, size,
           "<network xmlns:virtnet='urn:bench'><metadata><virtnet:owner project='bench' stack='bench' key='bench-%d'/></metadata>"
           "<name>bench-%d</name><forward mode='nat'/><bridge name='bn%d'/>"
           "<ip address='10.%d.%d.1' prefix='24'><dhcp><range start='10.%d.%d.10' end='10.%d.%d.99'/></dhcp></ip></network>",
           n, n, n, 100 + n / 250, n % 250, 100 + n / 250, n % 250, 100 + n / 250, n % 250);
}

static void range(virNetworkPtr net, int command, int n, int end) {
  char xml[200];
  snprintf(xml, sizeof xml, "<range start='10.%d.%d.10' end='10.%d.%d.%d'/>", 100 + n / 250, n % 250, 100 + n / 250, n % 250, end);
  checked(virNetworkUpdate(net, command, VIR_NETWORK_SECTION_IP_DHCP_RANGE, 0, xml,
                           VIR_NETWORK_UPDATE_AFFECT_CONFIG | (running ? VIR_NETWORK_UPDATE_AFFECT_LIVE : 0)));
}

static void *work(void *arg) {
  int from = *(int *)arg;
  virConnectPtr conn = check(virConnectOpen(uri));
  pthread_barrier_wait(&opened);
  for (int n = first + from; n < first + count; n += threads) {
    char text[1000];
    virNetworkPtr net;
    if (strcmp(verb, "create") == 0) {
      definition(text, sizeof text, n);
      pthread_mutex_lock(&one_definition);
      net = check(virNetworkDefineXMLFlags(conn, text, VIR_NETWORK_DEFINE_VALIDATE));
      pthread_mutex_unlock(&one_definition);
      if (running) {
        checked(virNetworkCreate(net));
        checked(virNetworkSetAutostart(net, 1));
      }
    } else {
      snprintf(text, sizeof text, "bench-%d", n);
      net = check(virNetworkLookupByName(conn, text));
      if (strcmp(verb, "range") == 0) {
        range(net, VIR_NETWORK_UPDATE_COMMAND_DELETE, n, 99);
        range(net, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, n, 120);
      } else {
        if (running) checked(virNetworkDestroy(net));
        checked(virNetworkUndefine(net));
      }
    }
    virNetworkFree(net);
  }
  virConnectClose(conn);
  return NULL;
}

static void readOne(virConnectPtr conn, const char *uuid) {
  virNetworkPtr net = check(virNetworkLookupByUUIDString(conn, uuid));
  char copy[VIR_UUID_STRING_BUFLEN];
  int autostart, active = virNetworkIsActive(net);
  checked(virNetworkIsPersistent(net));
  checked(virNetworkGetAutostart(net, &autostart));
  virNetworkGetName(net);
  virNetworkGetUUIDString(net, copy);
  free(check(virNetworkGetXMLDesc(net, VIR_NETWORK_XML_INACTIVE)));
  if (active) free(check(virNetworkGetXMLDesc(net, 0)));
  virNetworkFree(net);
}

static void *loop(void *arg) {
  for (;;) checked(virEventRunDefaultImpl());
  return arg;
}

static void listAll(virConnectPtr conn, int flags, int xml) {
  virNetworkPtr *all;
  int found = virConnectListAllNetworks(conn, &all, flags);
  checked(found);
  for (int i = 0; i < found; i++) {
    char uuid[VIR_UUID_STRING_BUFLEN];
    virNetworkGetUUIDString(all[i], uuid);
    if (xml) free(check(virNetworkGetXMLDesc(all[i], VIR_NETWORK_XML_INACTIVE)));
    virNetworkFree(all[i]);
  }
  free(all);
}

/* As Connection.domains.get reads it. */
static virDomainPtr readDomain(virConnectPtr conn, const char *name) {
  virDomainPtr dom = check(virDomainLookupByName(conn, name));
  char uuid[VIR_UUID_STRING_BUFLEN];
  int state;
  checked(virDomainGetState(dom, &state, NULL, 0));
  checked(virDomainIsPersistent(dom));
  virDomainGetUUIDString(dom, uuid);
  free(check(virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE)));
  if (state != VIR_DOMAIN_SHUTOFF) free(check(virDomainGetXMLDesc(dom, 0)));
  return dom;
}

/* As Connection.networks.xml reads it. */
static void readNetwork(virConnectPtr conn, const char *name) {
  virNetworkPtr net = check(virNetworkLookupByName(conn, name));
  free(check(virNetworkGetXMLDesc(net, 0)));
  virNetworkFree(net);
}

static void addresses(virDomainPtr dom) {
  for (unsigned int source = VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE; source <= VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP; source += 2) {
    virDomainInterfacePtr *found = NULL;
    int n = virDomainInterfaceAddresses(dom, &found, source, 0);
    for (int i = 0; i < n; i++) virDomainInterfaceFree(found[i]);
    free(found);
  }
}

enum { BOTH = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, LIVE = VIR_DOMAIN_AFFECT_LIVE, CONFIG = VIR_DOMAIN_AFFECT_CONFIG };

static void change(virConnectPtr conn, const char *name, int (*call)(virDomainPtr, const char *, unsigned int), const char *xml, int flags) {
  virDomainPtr dom = check(virDomainLookupByName(conn, name));
  checked(call(dom, xml, flags));
  virDomainFree(dom);
}

/*
 * The changing calls, and with `reads` what stands around them: look, ask for jobs, look again. Call for call what the handler
 * makes for it, which test/sandbox/calls.test.ts counts: what is sent together shares the handle of its domain here too.
 */
static void nics(virConnectPtr conn, char **argv) {
  if (strcmp(verb, "plugs") == 0) {
    for (int n = 0; n < atoi(argv[4]) * atoi(argv[5]); n++) {
      char text[300], name[20];
      snprintf(name, sizeof name, "vm%d", n / atoi(argv[5]));
      snprintf(text, sizeof text,
               "<interface type='network'><mac address='52:54:00:99:00:%02x'/><source network='%s'/><model type='virtio'/></interface>", n,
               argv[3]);
      change(conn, name, virDomainAttachDeviceFlags, text, BOTH);
    }
    return;
  }
  const char *name = argv[3];
  int reads = strcmp(argv[4], "reads") == 0, unplugs = strcmp(verb, "unplug") == 0, moves = strcmp(verb, "move") == 0;
  if (reads) {
    virDomainJobInfo job;
    virDomainPtr dom = readDomain(conn, name);
    if (!unplugs) readNetwork(conn, moves ? "two" : "one");
    if (moves) readNetwork(conn, "one");
    checked(virDomainGetJobInfo(dom, &job));
    virDomainFree(dom);
  }
  if (unplugs) {
    change(conn, name, virDomainDetachDeviceFlags, argv[5], LIVE);
    if (reads) virDomainFree(readDomain(conn, name));
    change(conn, name, virDomainDetachDeviceFlags, argv[5], CONFIG);
    return;
  }
  if (moves) {
    change(conn, name, virDomainUpdateDeviceFlags, argv[5], CONFIG);
    change(conn, name, virDomainUpdateDeviceFlags, argv[6], LIVE);
  } else {
    change(conn, name, virDomainAttachDeviceFlags, argv[5], BOTH);
  }
  if (!reads) return;
  virDomainPtr dom = readDomain(conn, name);
  if (moves) addresses(dom);
  virDomainFree(dom);
}

int main(int argc, char **argv) {
  uri = argv[1];
  verb = argv[2];
  if (strcmp(verb, "move") == 0 || strstr(verb, "plug") != NULL) {
    virConnectPtr conn = check(virConnectOpen(uri));
    double started = now();
    nics(conn, argv);
    printf("%.3f\n", now() - started);
    virConnectClose(conn);
    return 0;
  }
  if (argc == 7) {
    threads = atoi(argv[3]);
    first = atoi(argv[4]);
    count = atoi(argv[5]);
    running = strcmp(argv[6], "running") == 0;
    pthread_t ids[64];
    int from[64];
    checked(virInitialize());
    pthread_barrier_init(&opened, NULL, threads + 1);
    for (int i = 0; i < threads; i++) {
      from[i] = i;
      pthread_create(&ids[i], NULL, work, &from[i]);
    }
    pthread_barrier_wait(&opened);
    double started = now();
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    printf("%.3f\n", now() - started);
    return 0;
  }
  int looping = strcmp(argv[argc - 1], "loop") == 0;
  if (looping) {
    pthread_t id;
    checked(virEventRegisterDefaultImpl());
    pthread_create(&id, NULL, loop, NULL);
  }
  virConnectPtr conn = check(virConnectOpen(uri));
  if (looping) checked(virConnectSetKeepAlive(conn, 5, 3));
  double started;
  if (strcmp(verb, "read") == 0) {
    char uuid[VIR_UUID_STRING_BUFLEN];
    virNetworkPtr net = check(virNetworkLookupByName(conn, argv[3]));
    virNetworkGetUUIDString(net, uuid);
    virNetworkFree(net);
    readOne(conn, uuid);
    started = now();
    for (int i = 0; i < atoi(argv[4]); i++) readOne(conn, uuid);
  } else {
    started = now();
    for (int i = 0; i < atoi(argv[3]); i++) {
      listAll(conn, VIR_CONNECT_LIST_NETWORKS_ACTIVE, 0);
      listAll(conn, VIR_CONNECT_LIST_NETWORKS_PERSISTENT, 0);
      listAll(conn, VIR_CONNECT_LIST_NETWORKS_AUTOSTART, 0);
      listAll(conn, 0, 1);
    }
  }
  printf("%.3f\n", now() - started);
  virConnectClose(conn);
  return 0;
}
