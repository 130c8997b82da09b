#!/bin/busybox sh
# Runs what comes in over the virtio-serial port org.virtnet.shell; guest-shell.ts is its other end.
# One request a line, run at once beside the others:  ID SECONDS COMMAND(base64)
# One answer a line, when it has ended:               ID CODE:STDOUT(base64):STDERR(base64)
mkdir -p /run/jobs

answer() { # ID SECONDS COMMAND: answers are written whole, one after the other
    base64 -d > "/run/jobs/$1" <<REQUEST
$3
REQUEST
    timeout -s KILL "$2" /bin/sh "/run/jobs/$1" < /dev/null > "/run/jobs/$1.out" 2> "/run/jobs/$1.err" 3>&-
    code=$?
    {
        echo -n "$1 $code:"
        base64 -w 0 "/run/jobs/$1.out"
        echo -n :
        base64 -w 0 "/run/jobs/$1.err"
        echo
    } > "/run/jobs/$1.answer"
    until mkdir /run/answering 2> /dev/null; do /bin/busybox usleep 5000; done
    cat "/run/jobs/$1.answer" >&3
    rmdir /run/answering
    rm -f "/run/jobs/$1" "/run/jobs/$1".*
}

device=
until [ -n "$device" ]; do
    for port in /sys/class/virtio-ports/*; do
        if [ "$(cat "$port/name" 2> /dev/null)" = org.virtnet.shell ] && [ -e "/dev/${port##*/}" ]; then device=/dev/${port##*/}; fi
    done
    [ -n "$device" ] || /bin/busybox usleep 100000
done
exec 3<> "$device"
while :; do
    while read -r id seconds command <&3; do answer "$id" "$seconds" "$command" & done
    /bin/busybox usleep 100000 # nobody is connected
done
