package okta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// list reads a collection whole.
func (c *client) list(ctx context.Context, path, query string) (all []raw, calls int, err error) {
	calls, err = c.each(ctx, path, query, wholeObject, func(one raw) { all = append(all, one) })
	if err != nil {
		return nil, calls, err
	}
	return all, calls, nil
}

// each reads a collection, following Link headers, and gives its members one by one as their pages come. After an error it has given some of them, and nobody knows
// which are missing. A page without members is the last, whatever its Link says: Okta has been seen to give a next link with nothing behind it.
func (c *client) each(ctx context.Context, path, query string, decode decoder, take func(raw)) (calls int, err error) {
	k := call{method: http.MethodGet, path: path, query: query, repeat: true}
	visited := map[string]bool{}
	for {
		visited[k.query] = true
		a, err := c.do(ctx, k)
		calls++
		if err != nil {
			return calls, err
		}
		members, err := eachMember(a.body, decode, take)
		if err != nil {
			return calls, fmt.Errorf("%s answered 200 with something else than a list: %w: correct org_url", k, errNotOkta)
		}
		next, ok := nextPage(a.header)
		if !ok || members == 0 {
			return calls, nil
		}
		if next.Path != path || visited[next.RawQuery] {
			return calls, fmt.Errorf("%s: its next page is not one of the same list", k)
		}
		k.query = next.RawQuery
	}
}

// decoder reads the next object of a list; nil for null.
type decoder func(*json.Decoder) (raw, error)

// decoderOf is how the members of a collection are read by who only looks at them. What is written back is read whole.
func decoderOf(path string) decoder {
	if path == appsList {
		return slimApp
	}
	return wholeObject
}

// wholeObject reads all of an object.
func wholeObject(d *json.Decoder) (one raw, err error) { return one, d.Decode(&one) }

// slimApp reads of an app what an object is made of. That is a small part: the rest is links to pages, and how it looks to people.
func slimApp(d *json.Decoder) (raw, error) {
	var app *struct {
		ID          any `json:"id"`
		Name        any `json:"name"`
		Label       any `json:"label"`
		Status      any `json:"status"`
		Profile     any `json:"profile"`
		Credentials struct {
			Client any `json:"oauthClient"`
		} `json:"credentials"`
		Settings struct {
			Client any `json:"oauthClient"`
			Notes  any `json:"notes"`
		} `json:"settings"`
	}
	if err := d.Decode(&app); err != nil || app == nil {
		return nil, err
	}
	return raw{
		"id": app.ID, "name": app.Name, "label": app.Label, "status": app.Status, "profile": app.Profile,
		"credentials": map[string]any{"oauthClient": app.Credentials.Client},
		"settings":    map[string]any{"oauthClient": app.Settings.Client, "notes": app.Settings.Notes},
	}, nil
}

// eachMember decodes an array of objects one by one, keeping numbers as they are written.
func eachMember(body []byte, decode decoder, take func(raw)) (n int, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return 0, errors.Join(errors.New("no array"), err)
	}
	for ; d.More(); n++ {
		one, err := decode(d)
		if err != nil {
			return n, err
		}
		if one == nil {
			return n, errors.New("null among the members")
		}
		take(one)
	}
	_, err = d.Token()
	return n, err
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
