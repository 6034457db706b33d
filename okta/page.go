package okta

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// list reads a collection, following Link headers. A page without members is the last, whatever its Link says: Okta has been seen to give a next link
// with nothing behind it.
func (c *client) list(ctx context.Context, path, query string) (all []raw, calls int, err error) {
	k := call{method: http.MethodGet, path: path, query: query, repeat: true}
	visited := map[string]bool{}
	for {
		visited[k.query] = true
		a, err := c.do(ctx, k)
		calls++
		if err != nil {
			return nil, calls, err
		}
		var page []raw
		if err := decodeJSON(a.body, &page); err != nil {
			return nil, calls, fmt.Errorf("%s answered 200 with something else than a list: %w: correct org_url", k, errNotOkta)
		}
		all = append(all, page...)
		next, ok := nextPage(a.header)
		if !ok || len(page) == 0 {
			return all, calls, nil
		}
		if next.Path != path || visited[next.RawQuery] {
			return nil, calls, fmt.Errorf("%s: its next page is not one of the same list", k)
		}
		k.query = next.RawQuery
	}
}

// nextPage finds the link to the next page.
func nextPage(h http.Header) (*url.URL, bool) {
	for _, line := range h.Values("Link") {
		for _, link := range strings.Split(line, ",") {
			target, params, ok := strings.Cut(link, ">")
			if !ok || !strings.Contains(params, `rel="next"`) {
				continue
			}
			u, err := url.Parse(strings.TrimPrefix(strings.TrimSpace(target), "<"))
			return u, err == nil
		}
	}
	return nil, false
}

// get reads one object.
func (c *client) get(ctx context.Context, path string) (raw, error) {
	a, err := c.do(ctx, call{method: http.MethodGet, path: path, repeat: true})
	if err != nil {
		return nil, err
	}
	one, err := decodeRaw(a.body)
	if err != nil || one == nil {
		return nil, fmt.Errorf("GET %s answered 200 with something else than an object: %w: correct org_url", path, errNotOkta)
	}
	return one, nil
}
