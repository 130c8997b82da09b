#!/bin/sh
# The recipe of a root filesystem with another generation of libvirtd: make-root.sh SUITE DIR MIRROR
# Debian's SUITE, at its smallest, and what a sandbox needs in it (NEEDED_IN_ROOT of sandbox/index.ts).
# Run it in mount and pid namespaces of its own: then nothing stays mounted in DIR, however it ends.
set -eu
suite=$1 dir=$2 mirror=$3
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C

debootstrap --variant=minbase "$suite" "$dir" "$mirror"

# apt gets through to the mirror as on this machine: by its proxies and certificates, and with its answer to old dates (a snapshot).
apt-config dump | grep -E '^Acquire::(https?::|Retries|Check-)' > "$dir/etc/apt/apt.conf.d/50machine" || true
for file in hosts resolv.conf; do cp -L "/etc/$file" "$dir/etc/$file" || true; done
if [ -d /etc/ssl/certs ]; then mkdir -p "$dir/etc/ssl"; cp -a /etc/ssl/certs "$dir/etc/ssl/"; fi
printf '#!/bin/sh\nexit 101\n' > "$dir/usr/sbin/policy-rc.d"      # No service is started.
chmod 755 "$dir/usr/sbin/policy-rc.d"

mount -t proc proc "$dir/proc"
mount --rbind /dev "$dir/dev"
chroot "$dir" apt-get update -qq
chroot "$dir" apt-get install -y -qq --no-install-recommends \
    libvirt-daemon-system libvirt-clients libvirt-daemon-driver-interface dnsmasq-base qemu-system-x86 nftables iptables iproute2 kmod procps iputils-ping
chroot "$dir" apt-get clean

# A network that the package defines is none of a test's.
rm -rf "$dir/etc/libvirt/qemu/networks" "$dir/etc/apt/apt.conf.d/50machine"
chroot "$dir" libvirtd --version
