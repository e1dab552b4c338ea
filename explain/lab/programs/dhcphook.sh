#!/bin/sh
# What a DHCP client asks to be done with its lease: udhcpc (argument) and dhclient ($reason) alike.
case "$1$reason" in
deconfig | PREINIT)
    ip link set "$interface" up
    ;;
bound | renew)
    ip address replace "$ip/${mask:-24}" dev "$interface"
    for gateway in $router; do ip route replace default via "$gateway" dev "$interface"; break; done
    : > /etc/resolv.conf
    for server in $dns; do echo "nameserver $server" >> /etc/resolv.conf; done
    ;;
BOUND | RENEW | REBIND | REBOOT)
    ip address replace "$new_ip_address/${new_subnet_mask:-24}" dev "$interface"
    for gateway in $new_routers; do ip route replace default via "$gateway" dev "$interface"; break; done
    : > /etc/resolv.conf
    for server in $new_domain_name_servers; do echo "nameserver $server" >> /etc/resolv.conf; done
    ;;
BOUND6 | RENEW6 | REBIND6)
    ip -6 address replace "$new_ip6_address/128" dev "$interface"
    : > /etc/resolv.conf
    for server in $new_dhcp6_name_servers; do echo "nameserver $server" >> /etc/resolv.conf; done
    ;;
esac
exit 0
