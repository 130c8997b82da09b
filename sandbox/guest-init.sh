#!/bin/busybox sh
# The init of a guest (guests.ts): loads its modules, gives every NIC an address, prints "GUEST READY" and runs what comes in over a
# virtio-serial port (guest-shell.sh). Kernel arguments:
#   guest=NAME
#   nic=MAC,V4/PREFIX,V6/PREFIX     fixed addresses of a NIC, instead of DHCP; either may be empty
#   nic=MAC,none                    up, but without an address
export PATH=/bin
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /etc
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
while read -r module; do insmod "/modules/$module"; done < /modules/order
for setting in default/accept_dad all/accept_dad; do echo 0 > "/proc/sys/net/ipv6/conf/$setting"; done
for argument in $(cat /proc/cmdline); do
    case $argument in guest=*) hostname "${argument#*=}" ;; esac
done
ip link set lo up

cat > /bin/up <<'UP'
#!/bin/sh
# up NIC: as told on the kernel's command line, else by DHCP (goes on trying in the background after 15 s)
mac=$(cat "/sys/class/net/$1/address")
ip link set "$1" up
for argument in $(cat /proc/cmdline); do
    case $argument in
        nic=$mac,none) exit 0 ;;
        nic=$mac,*)
            addresses=${argument#*,}
            for address in ${addresses%%,*} ${addresses#*,}; do ip addr add "$address" dev "$1"; done
            exit 0
            ;;
    esac
done
NAMESERVERS=/etc/resolv.conf exec udhcpc -i "$1" -s /bin/udhcpc.sh -x "hostname:$(hostname)" -t 5 -T 3 -A 3 -b > "/run/udhcpc.$1" 2>&1
UP
chmod +x /bin/up

/bin/busybox sh /bin/guest-shell.sh &
if [ -x /bin/qemu-ga ]; then
    {
        port=
        until [ -n "$port" ]; do
            for dir in /sys/class/virtio-ports/*; do
                if [ "$(cat "$dir/name" 2> /dev/null)" = org.qemu.guest_agent.0 ]; then port=/dev/${dir##*/}; fi
            done
            [ -n "$port" ] || usleep 100000
        done
        exec qemu-ga -m virtio-serial -p "$port" -t /run > /run/qemu-ga.log 2>&1
    } &
fi

{
    for nic in /sys/class/net/eth*; do
        if [ -e "$nic" ]; then /bin/up "${nic##*/}" & fi
    done
    wait
    read -r uptime _ < /proc/uptime
    echo "$uptime" > /run/ready
    echo "GUEST READY $uptime"
} &
while :; do wait; sleep 1; done
