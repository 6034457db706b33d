package neo4j

import (
	"regexp"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// providerName is what Keymaker takes as the name of a provider. Neo4j documents no rule; these are the characters that need no escape in neo4j.conf, and
// a dot would end the name inside a setting.
var providerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

const discoveryPath = "/.well-known/openid-configuration"

// provider declares neo4j "oidc_provider".
func (d *declaration) provider() {
	name := d.name()
	if name != "" && !providerName.MatchString(name) {
		d.fail(d.block.At("name"), "Provider name is refused", "A provider's name is part of its settings' names: letters, digits, - and _ only, a letter or digit first.")
	}
	for _, echo := range []string{"authentication", "authorization", "conf"} {
		if d.block.Has(echo) {
			d.fail(d.block.At(echo), "Attribute is not set in a spec", echo+" is what the block itself declares. Remove the line.")
		}
	}
	d.set("name", reconcile.Text(name))
	for _, s := range settingsTable() {
		if d.has(s.attr) {
			d.setting(s, d.block.Value(s.attr))
		}
	}
	d.fromAuthorizationServer()
	d.tokenSecrets()
	d.tokenType()
	d.checkProvider(name)
	d.echo(name)
}

// setting takes over one attribute, in the shape in which live settings are compared.
func (d *declaration) setting(s providerSetting, v reconcile.Value) {
	switch s.form {
	case formFlow:
		if t, ok := v.(reconcile.Text); ok {
			v = reconcile.Text(strings.ToLower(string(t)))
		}
	case formList:
		v = reconcile.SetOf(reconcile.Members(v)...)
	case formMap:
		v = d.scalars(s.attr, v)
	case formMapping:
		v = setsOf(v)
	}
	d.set(s.attr, v)
}

// scalars makes the members of a map texts, as settings have nothing else.
func (d *declaration) scalars(attr string, v reconcile.Value) reconcile.Value {
	m, _ := v.(reconcile.Map)
	out := make(reconcile.Map, len(m))
	for _, k := range sortedKeys(m) {
		switch member := m[k].(type) {
		case reconcile.Number, reconcile.Flag:
			out[k] = reconcile.Text(member.String())
		case reconcile.Text, reconcile.Ref, reconcile.Join:
			out[k] = member
		default:
			d.fail(memberAt(d.block.Fields[attr], k), "Value is not a text", "A value of "+attr+" has to be a text.")
		}
	}
	return out
}

func setsOf(v reconcile.Value) reconcile.Value {
	m, _ := v.(reconcile.Map)
	out := make(reconcile.Map, len(m))
	for k, member := range m {
		out[k] = reconcile.SetOf(reconcile.Members(member)...)
	}
	return out
}

// fromAuthorizationServer fills in what follows from the authorization server and is not set.
func (d *declaration) fromAuthorizationServer() {
	if !d.has("authorization_server") {
		return
	}
	put := func(name string, v reconcile.Value) {
		if v != nil && !d.has(name) {
			d.object.Set(reconcile.Attr{Name: name, Value: v, Range: d.block.At("authorization_server")})
		}
	}
	switch issuer := d.block.Value("authorization_server").(type) {
	case reconcile.Ref:
		put("well_known_discovery_uri", reconcile.Join{issuer, reconcile.Text(discoveryPath)})
		put("audience", reconcile.SetOf(reconcile.Ref{Addr: issuer.Addr, Attr: "audience"}))
	case reconcile.Text:
		put("well_known_discovery_uri", reconcile.Text(strings.TrimSuffix(string(issuer), "/")+discoveryPath))
	case reconcile.Join:
		put("well_known_discovery_uri", append(slices.Clone(issuer), reconcile.Text(discoveryPath)))
	}
}

// tokenType writes token_type's two keys into config.
func (d *declaration) tokenType() {
	if !d.has("token_type") {
		return
	}
	config, _ := d.object.Get("config").(reconcile.Map)
	out := make(reconcile.Map, len(config)+2)
	for k, v := range config {
		out[k] = v
	}
	for _, k := range []string{"token_type_principal", "token_type_authentication"} {
		if was, twice := config[k]; twice && !reconcile.Equal(was, d.block.Value("token_type")) {
			d.fail(memberAt(d.block.Fields["config"], k), "Token type is set twice", "token_type sets "+k+" too, to something else. Keep one of the two.")
		}
		out[k] = d.block.Value("token_type")
	}
	at := d.block.At("token_type")
	if d.has("config") {
		at = d.block.At("config")
	}
	d.object.Set(reconcile.Attr{Name: "config", Value: out, Range: at, Items: d.block.Fields["config"].Items})
}

// echo adds what the block declares besides its settings: its places in the provider lists, and everything once more as neo4j.conf has it.
func (d *declaration) echo(name string) {
	ignored := d.block.Lifecycle.IgnoreChanges
	conf := reconcile.Map{
		authenticationProviders: reconcile.TextSet(providerEntry(name)),
		authorizationProviders:  reconcile.TextSet(providerEntry(name)),
	}
	var items []reconcile.Item
	for _, s := range settingsTable() {
		a, ok := d.object.Attr(s.attr)
		if !ok || slices.Contains(ignored, s.attr) {
			continue
		}
		conf[s.key(name)] = a.Value
		items = append(items, reconcile.Item{Key: s.key(name), Value: a.Value, Range: a.Range})
	}
	d.object.Set(reconcile.Attr{Name: "authentication", Value: reconcile.Flag(true), Range: d.block.Range})
	d.object.Set(reconcile.Attr{Name: "authorization", Value: reconcile.Flag(true), Range: d.block.Range})
	d.object.Set(reconcile.Attr{Name: "conf", Value: conf, Range: d.block.Range, Items: items})
}
