package okta

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"keymaker/reconcile"
)

// raw is an object as Okta wrote it. Numbers stay json.Number, so that what is not managed goes back as it came.
type raw map[string]any

// form says how an attribute is written in Okta's JSON.
type form int

const (
	formText    form = iota // null is ""
	formFlag                // missing is false
	formSet                 // an array of texts; missing is []
	formMinutes             // a number of minutes, for us a duration
	formJSON                // as it is; missing and null are nothing
	formKeys                // a JWK set, without what Okta adds to it
)

// wire says where an attribute stands in Okta's JSON (Okta's API reference: "Applications", "Authorization Servers").
type wire struct {
	attr string
	path []string
	form form
}

var wires = map[string][]wire{
	kindApp: {
		{attrLabel, []string{"label"}, formText},
		{attrClientID, []string{"credentials", "oauthClient", "client_id"}, formText},
		{attrMethod, []string{"credentials", "oauthClient", "token_endpoint_auth_method"}, formText},
		{attrGrants, []string{"settings", "oauthClient", "grant_types"}, formSet},
		{attrDPoP, []string{"settings", "oauthClient", "dpop_bound_access_tokens"}, formFlag},
		{attrProfile, []string{"profile"}, formJSON},
		{"jwks", []string{"settings", "oauthClient", "jwks"}, formKeys},
		{"jwks_uri", []string{"settings", "oauthClient", "jwks_uri"}, formText},
		{"consent_method", []string{"settings", "oauthClient", "consent_method"}, formText},
		{"issuer_mode", []string{"settings", "oauthClient", "issuer_mode"}, formText},
		{attrNotes, []string{"settings", "notes"}, formJSON},
		{attrNetwork, []string{"settings", "oauthClient", "network"}, formJSON},
	},
	kindServer: {
		{attrName, []string{"name"}, formText},
		{"description", []string{"description"}, formText},
		{"audiences", []string{"audiences"}, formSet},
		{"issuer_mode", []string{"issuerMode"}, formText},
		{attrRotation, []string{"credentials", "signing", "rotationMode"}, formText},
	},
	kindScope: {
		{attrName, []string{"name"}, formText},
		{"display_name", []string{"displayName"}, formText},
		{"description", []string{"description"}, formText},
		{"consent", []string{"consent"}, formText},
		{"metadata_publish", []string{"metadataPublish"}, formText},
		{"default", []string{"default"}, formFlag},
		{"optional", []string{"optional"}, formFlag},
	},
	kindClaim: {
		{attrName, []string{"name"}, formText},
		{"claim_type", []string{"claimType"}, formText},
		{"value_type", []string{"valueType"}, formText},
		{"value", []string{"value"}, formText},
		{"group_filter_type", []string{"group_filter_type"}, formText},
		{attrScopes, []string{"conditions", "scopes"}, formSet},
		{attrStatus, []string{"status"}, formText}, // a claim has no lifecycle calls
		{"always_include_in_token", []string{"alwaysIncludeInToken"}, formFlag},
	},
	kindPolicy: {
		{attrName, []string{"name"}, formText},
		{"description", []string{"description"}, formText},
		{attrClients, []string{"conditions", "clients", "include"}, formSet},
	},
	kindRule: {
		{attrScopes, []string{"conditions", "scopes", "include"}, formSet},
		{attrGrants, []string{"conditions", "grantTypes", "include"}, formSet},
		{attrLifetime, []string{"actions", "token", "accessTokenLifetimeMinutes"}, formMinutes},
		{attrRefresh, []string{"actions", "token", "refreshTokenLifetimeMinutes"}, formMinutes},
		{attrWindow, []string{"actions", "token", "refreshTokenWindowMinutes"}, formMinutes},
		{attrGroups, []string{"conditions", "people", "groups", "include"}, formSet},
		{attrExcludedGroups, []string{"conditions", "people", "groups", "exclude"}, formSet},
		{attrUsers, []string{"conditions", "people", "users", "include"}, formSet},
		{attrExcludedUsers, []string{"conditions", "people", "users", "exclude"}, formSet},
	},
}

// wireOf finds where an attribute of a kind stands.
func wireOf(kind, attr string) (wire, bool) {
	i := slices.IndexFunc(wires[kind], func(w wire) bool { return w.attr == attr })
	if i < 0 {
		return wire{}, false
	}
	return wires[kind][i], true
}

// read makes an attribute's value of Okta's; nil when there is none.
func (w wire) read(v reconcile.Value) reconcile.Value {
	if _, null := v.(reconcile.Null); null {
		v = nil
	}
	switch w.form {
	case formText:
		if v == nil {
			return reconcile.Text("")
		}
	case formFlag:
		if v == nil {
			return reconcile.Flag(false)
		}
	case formSet:
		return reconcile.SetOf(reconcile.Members(v)...)
	case formMinutes:
		n, ok := v.(reconcile.Number)
		if !ok {
			return nil
		}
		minutes, err := json.Number(n).Int64()
		if err != nil {
			return v
		}
		return reconcile.Text((time.Duration(minutes) * time.Minute).String())
	case formKeys:
		return plainKeys(v)
	}
	return v
}

// write makes Okta's value of an attribute's.
func (w wire) write(v reconcile.Value) reconcile.Value {
	if w.form != formMinutes {
		return v
	}
	t, _ := v.(reconcile.Text)
	d, err := time.ParseDuration(string(t))
	if err != nil {
		return v
	}
	return reconcile.Int(int64(d / time.Minute))
}

// plainKeys drops what Okta adds to each key of a set: an id, times, a status, nulls for members that the key does not have (seen in recordings of
// apps with inline keys).
func plainKeys(v reconcile.Value) reconcile.Value {
	set, ok := v.(reconcile.Map)
	if !ok {
		return v
	}
	plain := reconcile.Map{}
	for name, member := range set {
		plain[name] = member
	}
	var keys reconcile.List
	for _, k := range reconcile.Members(set["keys"]) {
		key, ok := k.(reconcile.Map)
		if !ok {
			return v
		}
		kept := reconcile.Map{}
		for name, member := range key {
			if _, null := member.(reconcile.Null); !null && !slices.Contains([]string{"id", "status", "created", "lastUpdated", "_links"}, name) {
				kept[name] = member
			}
		}
		keys = append(keys, kept)
	}
	plain["keys"] = keys
	return plain
}

// decodeRaw reads one object, keeping numbers as they are written.
func decodeRaw(body []byte) (raw, error) {
	var r raw
	return r, decodeJSON(body, &r)
}

func decodeJSON(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return d.Decode(v)
}

// valueOf makes a value of decoded JSON.
func valueOf(v any) reconcile.Value {
	switch v := v.(type) {
	case string:
		return reconcile.Text(v)
	case bool:
		return reconcile.Flag(v)
	case json.Number:
		return reconcile.NumberOf(v.String())
	case float64: // of an expression
		return reconcile.NumberOf(strconv.FormatFloat(v, 'f', -1, 64))
	case []any:
		l := make(reconcile.List, len(v))
		for i, m := range v {
			l[i] = valueOf(m)
		}
		return l
	case map[string]any:
		m := make(reconcile.Map, len(v))
		for k, member := range v {
			m[k] = valueOf(member)
		}
		return m
	}
	return reconcile.Null{}
}

// at gives what stands at a path; nil when nothing or null does.
func (r raw) at(path ...string) reconcile.Value {
	v := r.plain(path...)
	if v == nil {
		return nil
	}
	return valueOf(v)
}

// plain gives what stands at a path as it was decoded.
func (r raw) plain(path ...string) any {
	var v any = map[string]any(r)
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

// text gives the text at a path, "" when there is none.
func (r raw) text(path ...string) string {
	t, _ := r.plain(path...).(string)
	return t
}

func (r raw) flag(path ...string) bool { return r.plain(path...) == true }

// number gives the number at a path, 0 when there is none.
func (r raw) number(path ...string) int {
	n, _ := r.at(path...).(reconcile.Number)
	i, _ := json.Number(n).Int64()
	return int(i)
}

// put sets what stands at a path, making the objects on the way.
func (r raw) put(v any, path ...string) {
	m := map[string]any(r)
	for _, p := range path[:len(path)-1] {
		inner, ok := m[p].(map[string]any)
		if !ok {
			inner = map[string]any{}
			m[p] = inner
		}
		m = inner
	}
	m[path[len(path)-1]] = v
}

// putValue is raw.put for a body that is still a value.
func putValue(m reconcile.Map, v reconcile.Value, path ...string) {
	for _, p := range path[:len(path)-1] {
		inner, ok := m[p].(reconcile.Map)
		if !ok {
			inner = reconcile.Map{}
			m[p] = inner
		}
		m = inner
	}
	m[path[len(path)-1]] = v
}
