#!/bin/sh
# NetworkManager in a sandbox, with a D-Bus and profiles of its own: the machine's are not seen. Each NIC eth1, eth2 … is a veth pair
# whose other end seg1, seg2 … is outside. Arguments: how many NICs; "by-default": NICs without a profile get one by NetworkManager, as on a fresh host.
set -e
mkdir -p /run/dbus /run/NetworkManager /run/nm/etc/system-connections /run/nm/lib /var/lib/NetworkManager
mount --bind /run/nm/etc /etc/NetworkManager
mount --bind /run/nm/lib /var/lib/NetworkManager
cat > /etc/NetworkManager/NetworkManager.conf << CONF
[main]
plugins=keyfile
auth-polkit=false
$(if [ "$2" != by-default ]; then echo 'no-auto-default=*'; fi)
dns=none
[keyfile]
unmanaged-devices=interface-name:up0;interface-name:pub0
CONF
i=1
while [ $i -le "$1" ]; do
    ip link add eth$i address 52:54:00:72:00:0$i type veth peer name seg$i netns outside
    ip netns exec outside ip link set seg$i up
    i=$((i + 1))
done
dbus-daemon --system --fork
setsid NetworkManager -n > /run/nm/log 2>&1 < /dev/null &
for attempt in $(seq 100); do
    if nmcli -t general > /dev/null 2>&1; then exit 0; fi
    sleep 0.1
done
cat /run/nm/log >&2
exit 1
