package neo4j

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

// certificate makes a certificate that signs itself, for 127.0.0.1 or for another host, and the file that has it as a CA.
func certificate(t *testing.T, ours bool) (server *tls.Config, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "graph"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, DNSNames: []string{"graph.example.com"},
	}
	if ours {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, file
}

// Each scheme with TLS checks what it says that it checks, at every member, and a plain one gets no further than the first byte.
func TestTLSSchemes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scheme   string
		ours, ca bool
		wants    []string // of the error; none when it works
	}{
		{"bolt+s", true, true, nil},
		{"neo4j+s", true, true, nil},
		{"bolt+ssc", true, false, nil},
		{"neo4j+ssc", false, false, nil},
		{"bolt+s", true, false, []string{"no TLS connection", "--ca-file"}},
		{"neo4j+s", true, false, []string{"no TLS connection", "--ca-file"}},
		{"bolt+s", false, true, []string{"no TLS connection", "127.0.0.1"}},
		{"bolt", true, true, []string{"closed the connection", "bolt+s://"}},
	} {
		t.Run(c.scheme+map[bool]string{true: " ours", false: " other host"}[c.ours]+map[bool]string{true: " with CA", false: ""}[c.ca], func(t *testing.T) {
			t.Parallel()
			config, file := certificate(t, c.ours)
			r := newRig(t, withConf, func(s *neo4jtest.Server, _ *reconcile.Block, _ *Options) { s.TLS, s.Members = config, 2 })
			r.env["NEO4J_URI"] = c.scheme + strings.TrimPrefix(r.server.URL, "bolt+s")
			opts := Options{Env: func(name string) (string, bool) { v, ok := r.env[name]; return v, ok }, Restart: r.restart}
			if c.ca {
				opts.CAFile = file
			}
			sys, err := Open(t.Context(), reconcile.Block{Fields: map[string]reconcile.Argument{"conf_file": {Value: reconcile.Text(r.conf)}}}, opts)
			r.must(err)
			t.Cleanup(func() { _ = sys.Close(t.Context()) })
			sys.restart.settle, sys.client.patience = 0, 300*time.Millisecond
			r.sys = sys
			if c.wants != nil {
				wantError(t, readError(r), c.wants...)
				return
			}
			sys.client.patience = 10 * time.Second
			r.converge(etlWriter(r), provider(r, nil))
			if r.must(r.transact(createRoles("tls", 4)...)); !r.sys.client.pipes() {
				t.Error("a transaction was not sent whole")
			}
			if n := len(r.sys.last().members); n != 2 { // those of SHOW SERVERS, over TLS too
				t.Errorf("%d members, want 2", n)
			}
		})
	}
}
