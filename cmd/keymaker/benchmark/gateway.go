package main

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
)

// gateway stands between a client and an org, and counts the requests. Okta's provider goes through it by OKTA_HTTP_PROXY, which its documentation calls a custom URL endpoint.
type gateway struct {
	server http.Server
	url    string
	n      atomic.Int64
}

// openGateway passes everything on to an org. With an emulated one it answers what Okta's provider asks before anything else, and the emulator does not know: who the token's user is
// (Okta's Users API, "Retrieve a user" with me), and which engine the org has ("Retrieve the Well-Known Org Metadata").
func openGateway(org string, emulated bool) (*gateway, error) {
	target, err := url.Parse(org)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gateway{url: "http://" + listener.Addr().String()}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			for i, link := range r.Header["Link"] { // to the next page
				r.Header["Link"][i] = strings.ReplaceAll(link, strings.TrimRight(org, "/")+"/", g.url+"/")
			}
			return nil
		},
	}
	g.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.n.Add(1)
		if text, ok := beforeAll[r.URL.Path]; ok && emulated {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(text))
			return
		}
		proxy.ServeHTTP(w, r)
	})
	go func() { _ = g.server.Serve(listener) }()
	return g, nil
}

// beforeAll are answers that an emulated org does not have.
var beforeAll = map[string]string{
	"/api/v1/users/me":               `{"id":"00ubenchmark00000000","status":"ACTIVE","profile":{"login":"benchmark@example.com","email":"benchmark@example.com","firstName":"Bench","lastName":"Mark"}}`,
	"/.well-known/okta-organization": `{"id":"00obenchmark00000000","pipeline":"idx"}`,
}

// since is how many requests came through since it was last asked.
func (g *gateway) since() int { return int(g.n.Swap(0)) }

func (g *gateway) close() { _ = g.server.Close() }
