#!/bin/sh
# The recipe of the lab VM: make-image.sh SUITE DIR GUEST_SHELL
# A Debian as a host of virtual machines is: systemd, NetworkManager, sshd, libvirtd, and a user "admin" who is not root and may sudo
# without a password. No QEMU: nothing is started there. Leaves disk.img (its root filesystem), vmlinuz, initrd.gz and id (admin's key).
# Run it in mount and pid namespaces of its own: then nothing stays mounted in DIR, however it ends.
set -eu
suite=$1 dir=$2 shell=$3
root=$dir/root
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C

# Where apt on this machine gets Debian from; elsewhere, Debian's own.
mirror=${VIRTNET_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)}
debootstrap --variant=minbase "$suite" "$root" "${mirror:-http://deb.debian.org/debian}"

# apt gets through to the mirror as on this machine: by its proxies and certificates, and with its answer to old dates (a snapshot).
apt-config dump | grep -E '^Acquire::(https?::|Retries|Check-)' > "$root/etc/apt/apt.conf.d/50machine" || true
for file in hosts resolv.conf; do cp -L "/etc/$file" "$root/etc/$file" || true; done
if [ -d /etc/ssl/certs ]; then mkdir -p "$root/etc/ssl"; cp -a /etc/ssl/certs "$root/etc/ssl/"; fi
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"      # No service is started.
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
chroot "$root" apt-get update -qq
chroot "$root" apt-get install -y -qq --no-install-recommends \
    systemd-sysv dbus udev network-manager openssh-server sudo libvirt-daemon-system libvirt-clients iptables \
    iproute2 iputils-ping tcpdump kmod procps busybox-static

# The kernel without its package's scripts: the initrd is made below.
kernel=$(chroot "$root" apt-cache depends --important linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-.*-cloud-amd64\)$/\1/p')
(cd "$dir" && chroot "$root" sh -c "cd /tmp && apt-get download -q $kernel" && dpkg-deb -x "$root"/tmp/linux-image-*.deb kernel)
rm -f "$root"/tmp/*.deb
version=$(ls "$dir/kernel/lib/modules")
mkdir -p "$root/usr/lib/modules"
cp -a "$dir/kernel/lib/modules/$version" "$root/usr/lib/modules/"
depmod -b "$root" "$version"
cp "$dir/kernel/boot/vmlinuz-$version" "$dir/vmlinuz"
rm -rf "$dir/kernel"

umount "$root/proc"
umount -l "$root/dev"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root/etc/apt/apt.conf.d/50machine" \
    "$root/usr/sbin/policy-rc.d" "$root"/etc/libvirt/qemu/networks "$root"/usr/share/doc/* "$root"/usr/share/locale/* "$root"/usr/share/man/*

# The host: eth0 is how it is managed, the others lie idle.
echo lab > "$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 lab\n' > "$root/etc/hosts"
: > "$root/etc/resolv.conf"
: > "$root/etc/fstab"     # The initrd has mounted it.
printf '[main]\nplugins=keyfile\nno-auto-default=*\n' > "$root/etc/NetworkManager/NetworkManager.conf"
cat > "$root/etc/NetworkManager/system-connections/lan.nmconnection" << 'LAN'
[connection]
id=lan
uuid=6a0f1a56-7f0c-4c1e-9d0f-0d6a5f1e2b01
type=ethernet
interface-name=eth0
[ipv4]
method=manual
address1=198.51.100.10/24,198.51.100.1
dns=198.51.100.1;
dns-search=lab.test;
[ipv6]
method=disabled
LAN
chmod 600 "$root/etc/NetworkManager/system-connections/lan.nmconnection"

# Whom Pulumi comes as.
chroot "$root" useradd -m -s /bin/bash -G libvirt admin
printf 'admin ALL=(ALL) NOPASSWD: ALL\n' > "$root/etc/sudoers.d/admin"
chmod 440 "$root/etc/sudoers.d/admin"
ssh-keygen -q -t ed25519 -N '' -C lab -f "$dir/id"
install -d -m 700 -o 1000 -g 1000 "$root/home/admin/.ssh"
install -m 600 -o 1000 -g 1000 "$dir/id.pub" "$root/home/admin/.ssh/authorized_keys"
cp "$root/etc/ssh/ssh_host_ed25519_key.pub" "$dir/host.pub"
printf 'UseDNS no\nPasswordAuthentication no\n' > "$root/etc/ssh/sshd_config.d/lab.conf"

# A way in for tests that is no network: guest-shell.sh over a serial port.
install -m 755 "$shell" "$root/usr/local/sbin/guest-shell.sh"
cat > "$root/etc/systemd/system/guest-shell.service" << 'UNIT'
[Unit]
DefaultDependencies=no
After=systemd-tmpfiles-setup.service
[Service]
Environment=PATH=/usr/sbin:/usr/bin:/sbin:/bin
# Its commands are parts of busybox then, which is quicker.
ExecStart=/bin/busybox sh /usr/local/sbin/guest-shell.sh
Restart=always
[Install]
WantedBy=sysinit.target
UNIT
chroot "$root" systemctl -q enable guest-shell.service
# What takes time and does nothing here.
chroot "$root" systemctl -q mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer logrotate.timer man-db.timer getty@tty1.service serial-getty@ttyS0.service getty-static.service \
    NetworkManager-wait-online.service libvirt-guests.service systemd-hwdb-update.service systemd-journal-catalog-update.service \
    systemd-update-done.service ldconfig.service ModemManager.service wpa_supplicant.service console-getty.service \
    modprobe@dm_mod.service modprobe@loop.service modprobe@efi_pstore.service modprobe@drm.service modprobe@fuse.service \
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    systemd-logind.service systemd-hostnamed.service systemd-binfmt.service systemd-pstore.service systemd-journal-flush.service NetworkManager-dispatcher.service
chroot "$root" pam-auth-update --remove systemd    # A manager of services for each login.

# The initrd: to the disk and no further.
initrd=$dir/initrd
mkdir -p "$initrd/bin" "$initrd/mods" "$initrd/proc" "$initrd/sys" "$initrd/dev" "$initrd/root"
cp "$root/bin/busybox" "$initrd/bin/"
cat > "$initrd/init" << 'INIT'
#!/bin/busybox sh
B=/bin/busybox
$B mount -t devtmpfs dev /dev
while read -r module; do $B insmod "/mods/$module"; done < /mods/order
until [ -e /dev/vda ]; do $B usleep 20000; done
$B mount -t ext4 /dev/vda /root || exec $B sh
$B mount --move /dev /root/dev
exec $B switch_root /root /sbin/init
INIT
chmod 755 "$initrd/init"
for module in virtio_pci virtio_blk crc32c_generic ext4; do
    modprobe -d "$root" -S "$version" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" "$initrd/mods/"
    basename "$file" >> "$initrd/mods/order"
done
(cd "$initrd" && find . | cpio -o -H newc --quiet) | gzip -1 > "$dir/initrd.gz"

mke2fs -q -t ext4 -L lab -d "$root" "$dir/disk.img" 2G
rm -rf "$root" "$initrd"
