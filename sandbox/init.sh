#!/bin/sh
# The init of a sandbox: run by index.ts as process 1 of fresh net, mount, pid, ipc and uts namespaces.
#   init.sh NAME ROOT HOST_UUID FIREWALL_BACKEND UPLINK CAPABILITIES
# ROOT "/" and FIREWALL_BACKEND "" mean: as on this machine. CAPABILITIES is a directory that outlives the sandbox, where libvirt keeps
# what it found out about QEMU (it proves that it is still true): asking QEMU takes some seconds.
# Says "PID n" (its process id outside) and "READY" on stdout, then reads one word from stdin:
#   hold   live as long as the other end of stdin is open, so never longer than who started it
#   keep   live on until killed
# No word (the starter died): ends at once. When process 1 ends, the kernel ends all others and drops the namespaces.
# SIGCHLD is ignored at the end, also across exec: the kernel then reaps every orphan without any code running here.
set -eu

if [ "$1" != --inside ]; then
    read -r pid _ < /proc/self/stat     # still the /proc of outside
    echo "PID $pid"
    cd "$2"
    if [ "$2" != / ]; then
        mount --bind "$2" "$2"; cd "$2"
        mount -o remount,bind,ro "$2"     # what runs here leaves nothing in it
        mount --rbind /dev dev
        mount -t tmpfs tmp tmp
    fi
    mount -t proc proc proc
    # So that /sys/class/net shows this namespace; only its devices can be written to (libvirt isolates ports there).
    mount -t sysfs sys sys
    mount --bind sys/devices/virtual/net sys/devices/virtual/net
    mount -o remount,bind,ro sys
    mount -t tmpfs -o mode=755 run run
    cp "$0" run/init.sh
    mkdir -p run/virtnet/capabilities
    if [ -n "${6-}" ]; then mount --bind "$6" run/virtnet/capabilities; fi
    exec chroot . /bin/sh /run/init.sh --inside "$@"
fi
shift
name=$1 root=$2 uuid=$3 backend=$4 uplink=$5
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C

# Files: what libvirt reads and writes is private; the machine's own is not seen.
mkdir -p /run/libvirt/qemu /run/netns /run/lock /run/virtnet
cp -a /etc/libvirt /run/virtnet/etc
rm -rf /run/virtnet/etc/qemu/networks /run/virtnet/etc/qemu/autostart /run/virtnet/etc/qemu/*.xml /run/virtnet/etc/secrets /run/virtnet/etc/storage
mkdir -p /run/virtnet/etc/qemu/networks
mount --bind /run/virtnet/etc /etc/libvirt
for d in lib cache log; do
    mkdir -p "/var/$d/libvirt"
    mount -t tmpfs -o mode=755 libvirt "/var/$d/libvirt"
done
mkdir -p /var/lib/libvirt/qemu /var/lib/libvirt/dnsmasq /var/lib/libvirt/network /var/lib/libvirt/images /var/log/libvirt/qemu \
    /var/cache/libvirt/qemu/capabilities
mount --bind /run/virtnet/capabilities /var/cache/libvirt/qemu/capabilities
cat >> /etc/libvirt/qemu.conf <<CONF
cgroup_controllers = [ ]
user = "root"
group = "root"
security_driver = "none"
CONF
cat >> /etc/libvirt/libvirtd.conf <<CONF
host_uuid = "$uuid"
auth_unix_rw = "none"
auth_unix_ro = "none"
CONF
hostname "$name"
printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 %s\n' "$name" > /run/virtnet/hosts
: > /run/virtnet/resolv.conf
for f in hosts resolv.conf; do
    if [ -e "/etc/$f" ]; then mount --bind "/run/virtnet/$f" "/etc/$f"; fi
done

# A host with two ways out of its own: net/ of /proc is this namespace's.
set_kernel() { if [ -e "/proc/sys/net/$1" ]; then echo "$2" > "/proc/sys/net/$1"; fi; }
configure_namespace() {
    set_kernel ipv6/conf/all/accept_dad 0
    set_kernel ipv6/conf/default/accept_dad 0
    set_kernel ipv4/ip_forward 1
    set_kernel ipv6/conf/all/forwarding 1
    ip link set lo up
}
configure_namespace
for f in arptables iptables ip6tables; do set_kernel "bridge/bridge-nf-call-$f" 0; done
if [ "$uplink" = 1 ]; then
    ip netns add outside
    # The first neighbour solicitation is lost half of the time, and asked again after a second: both ends know each other from the start.
    ip link add up0 address 52:54:00:71:00:02 type veth peer name out0 address 52:54:00:71:00:01 netns outside
    set_kernel ipv6/conf/up0/accept_dad 0
    ip -batch - <<IP
addr add 203.0.113.2/24 dev up0
addr add 2001:db8:113::2/64 dev up0 nodad
link set up0 up
neigh replace 2001:db8:113::1 lladdr 52:54:00:71:00:01 dev up0 nud reachable
route add default via 203.0.113.1
route add ::/0 via 2001:db8:113::1 dev up0
IP
    nsenter --net=/run/netns/outside /bin/sh /dev/fd/3 3<<'OUTSIDE'
for i in all default out0; do echo 0 > /proc/sys/net/ipv6/conf/$i/accept_dad; done
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
ip -batch - <<IP
link set lo up
addr add 203.0.113.1/24 dev out0
addr add 2001:db8:113::1/64 dev out0 nodad
link set out0 up
neigh replace 2001:db8:113::2 lladdr 52:54:00:71:00:02 dev out0 nud reachable
IP
OUTSIDE
fi

if [ -n "$backend" ]; then
    printf 'firewall_backend = "%s"\n' "$backend" >> /etc/libvirt/network.conf
    if [ "$backend" = nftables ]; then
        # libvirt asks tc for checksums of DHCP answers (act_csum); a kernel without it must not fail every network.
        tc=$(command -v tc)
        cp "$(readlink -f "$tc")" /run/virtnet/tc
        printf '#!/bin/sh\n/run/virtnet/tc "$@" && exit 0\nstatus=$?\ncase "$*" in *csum*) exit 0;; esac\nexit $status\n' > /run/virtnet/tc-without-csum
        chmod +x /run/virtnet/tc-without-csum
        mount --bind /run/virtnet/tc-without-csum "$(readlink -f "$tc")"
    fi
fi

timeout 20 virtlogd -d < /dev/null > /dev/null
timeout 20 libvirtd -d < /dev/null > /dev/null
echo READY

word=
read -r word || true
case $word in
    hold) exec env --ignore-signal=CHLD cat > /dev/null ;;
    keep) exec env --ignore-signal=CHLD sleep infinity < /dev/null > /dev/null ;;
esac
exit 1
