package neo4j

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// The bounds of reading a provider's own discovery document.
const (
	discoveryPatience = 10 * time.Second
	discoveryMost     = 1 << 20 // bytes
)

// FetchEndpoints gives a function for [RenderDiscovery] that asks identity providers for their discovery documents (OpenID Connect Discovery 1.0, section 4). caFile
// names further certificate authorities, "" none.
func FetchEndpoints(ctx context.Context, caFile string) (func(wellKnown string) (Endpoints, error), error) {
	roots, err := loadRoots(caFile)
	if err != nil {
		return nil, err
	}
	return func(wellKnown string) (Endpoints, error) { return fetchEndpoints(ctx, roots, wellKnown) }, nil
}

// fetchEndpoints reads one discovery document.
func fetchEndpoints(ctx context.Context, roots *x509.CertPool, wellKnown string) (Endpoints, error) {
	var said Endpoints
	err := fetchDocument(ctx, roots, wellKnown, &said)
	return said, err
}

// fetchDocument reads a JSON document that an identity provider publishes. No credentials go there.
func fetchDocument(ctx context.Context, roots *x509.CertPool, address string, into any) error {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: discoveryPatience}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s answered %s", address, resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, discoveryMost)).Decode(into); err != nil {
		return fmt.Errorf("GET %s: no JSON document: %w", address, err)
	}
	return nil
}
