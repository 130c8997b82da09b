#!/bin/busybox sh
# The init of a guest (guests.ts): loads its modules, gives every NIC an address, prints "GUEST READY" and runs what comes in over a
# virtio-serial port. Kernel arguments:
#   guest=NAME
#   nic=MAC,V4/PREFIX,V6/PREFIX     fixed addresses of a NIC, instead of DHCP; either may be empty
#   nic=MAC,none                    up, but without an address
# One request a line, run at once beside the others:  ID SECONDS COMMAND(base64)
# One answer a line, when it has ended:               ID CODE:STDOUT(base64):STDERR(base64)
export PATH=/bin
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /etc
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /run/jobs
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

answer() { # ID SECONDS COMMAND: answers are written whole, one after the other
    base64 -d > "/run/jobs/$1" <<REQUEST
$3
REQUEST
    timeout -s KILL "$2" sh "/run/jobs/$1" < /dev/null > "/run/jobs/$1.out" 2> "/run/jobs/$1.err" 3>&-
    code=$?
    {
        echo -n "$1 $code:"
        base64 -w 0 "/run/jobs/$1.out"
        echo -n :
        base64 -w 0 "/run/jobs/$1.err"
        echo
    } > "/run/jobs/$1.answer"
    until mkdir /run/answering 2> /dev/null; do usleep 5000; done
    cat "/run/jobs/$1.answer" >&3
    rmdir /run/answering
    rm -f "/run/jobs/$1" "/run/jobs/$1".*
}

serve() {
    for port in /sys/class/virtio-ports/*; do
        if [ "$(cat "$port/name")" = org.virtnet.shell ]; then exec 3<> "/dev/${port##*/}"; fi
    done
    while :; do
        while read -r id seconds command <&3; do answer "$id" "$seconds" "$command" & done
        usleep 100000 # nobody is connected
    done
}
serve &

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
