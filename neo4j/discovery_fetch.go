package neo4j

import (
	"context"
	"crypto/tls"
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
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: discoveryPatience}
	return func(wellKnown string) (Endpoints, error) {
		var said Endpoints
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, wellKnown, nil)
		if err != nil {
			return said, err
		}
		req.Header.Set("Accept", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			return said, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return said, fmt.Errorf("GET %s answered %s", wellKnown, resp.Status)
		}
		if err := json.NewDecoder(io.LimitReader(resp.Body, discoveryMost)).Decode(&said); err != nil {
			return said, fmt.Errorf("GET %s: no JSON document: %w", wellKnown, err)
		}
		return said, nil
	}, nil
}
