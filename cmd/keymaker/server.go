package main

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// defaultPorts are where clients of a scheme knock when the address names no port (Neo4j's Bolt port: Neo4j Operations Manual, "Ports").
var defaultPorts = map[string]string{"http": "80", "https": "443", "bolt": "7687", "neo4j": "7687"}

// serverOf is one text for all ways to write the address of one server, as far as that is certain without asking: letter case, the port that the scheme implies, a slash or a dot at
// the end, what the scheme says about encryption and routing, and the names of this machine. Names that the network may resolve to one address are not compared: that may change.
func serverOf(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return address
	}
	scheme, _, _ := strings.Cut(strings.ToLower(u.Scheme), "+")
	port := u.Port()
	if port == "" {
		port = defaultPorts[scheme]
	}
	family := "http"
	path := strings.TrimRight(u.Path, "/")
	if scheme == "bolt" || scheme == "neo4j" {
		family, path = "bolt", ""
	}
	return family + "://" + net.JoinHostPort(machineOf(u.Hostname()), port) + path
}

// machineOf is one text for a host.
func machineOf(name string) string {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	ip, err := netip.ParseAddr(name)
	if name == "localhost" || err == nil && ip.Unmap() == netip.MustParseAddr("127.0.0.1") || err == nil && ip == netip.IPv6Loopback() {
		return "localhost"
	}
	if err == nil {
		return ip.Unmap().String()
	}
	return name
}
