package okta

import (
	"slices"
	"strings"

	"keymaker/reconcile"
)

// settle ends a cut-off delivery. The client is asked to prove itself where it gets its tokens.
func (p planner) settle(c reconcile.Update, where reconcile.Map) reconcile.Op {
	file, _ := where["file"].(reconcile.Text)
	server := reconcile.Value(reconcile.Text(defaultServer))
	if policies := p.policiesOf(c.Want); len(policies) > 0 {
		server = p.server(policies[0])
	}
	method := c.Want.TextAttr(attrMethod)
	if method == "" {
		method = c.Live.TextAttr(attrMethod)
	}
	return SettleSecret{Addr: c.Addr(), App: p.id(c.Addr()), Client: p.clientID(c.Want), Server: server, Method: method, File: string(file)}
}

// deliver writes what a client script reads.
func (p planner) deliver(o reconcile.Object, where reconcile.Map) reconcile.Op {
	file, _ := where["file"].(reconcile.Text)
	format, _ := where["format"].(reconcile.Text)
	keys := p.clientKeys(o)
	keys[keySecret] = pendingSecret(string(file))
	return Deliver{Addr: o.Addr, File: string(file), Format: string(format), Keys: keys}
}

// clientKeys is what a client script needs beside its secret or key.
func (p planner) clientKeys(o reconcile.Object) reconcile.Map {
	keys := reconcile.Map{keyDomain: reconcile.Text(p.domain), keyClientID: p.clientID(o), keyScope: reconcile.Text(strings.Join(p.scopesOf(o), " "))}
	if p.neoURI != "" {
		keys[keyNeo4j] = reconcile.Text(p.neoURI)
	}
	for name, uri := range p.more {
		keys[reconcile.Variable(keyNeo4j, name)] = reconcile.Text(uri)
	}
	for _, policy := range p.policiesOf(o) {
		if ref, ok := policy.Get(attrServer).(reconcile.Ref); ok {
			keys[keyIssuer] = reconcile.Ref{Addr: ref.Addr, Attr: "issuer"} // of a server whose id only Okta knows
			break
		}
	}
	return keys
}

// keysPath is where an app's public keys are.
func keysPath() []string { return []string{"settings", "oauthClient", attrKeys, "keys"} }

// publicKeyOf stands for the public half of an app's key, which exists once the key does.
func publicKeyOf(app reconcile.Addr) reconcile.Value {
	return reconcile.Ref{Addr: app, Attr: attrPublicKey}
}

func (p planner) keepKey(o reconcile.Object, where reconcile.Map) reconcile.Op {
	return KeepKey{Addr: o.Addr, File: textOf(where["file"]), Algorithm: textOf(where["algorithm"])}
}

// knownKey is what it takes to finish the delivery of a key that Okta has already; nil when it has not.
func (p planner) knownKey(c reconcile.Update) []reconcile.Op {
	switch c.Live.Get(attrKeyDelivery) {
	case reconcile.Text(noEnvFile):
		return []reconcile.Op{}
	case reconcile.Text(inactiveKey):
		path := append(p.path(c.Want, "credentials", attrKeys), c.Live.Facts[factOffKey], reconcile.Text("lifecycle"), reconcile.Text("activate"))
		return []reconcile.Op{Request{Addr: c.Addr(), Method: "POST", Path: path, Goal: active}}
	}
	return nil
}

func (p planner) deliverKey(o reconcile.Object, where reconcile.Map) reconcile.Op {
	d := DeliverKey{Addr: o.Addr, File: textOf(where["file"]), EnvFile: textOf(where["env_file"])}
	if d.EnvFile != "" {
		d.Keys = p.clientKeys(o)
		d.Keys[keyKeyFile], d.Keys[keyKeyID] = reconcile.Text(d.File), reconcile.Ref{Addr: o.Addr, Attr: factKeyID}
	}
	return d
}

// clientID is an app's client id, or the reference that will give it.
func (p planner) clientID(o reconcile.Object) reconcile.Value {
	if id, ok := p.view.live[o.Addr].Facts[attrClientID]; ok {
		return id
	}
	if id := o.Get(attrClientID); id != nil {
		return id
	}
	return reconcile.Ref{Addr: o.Addr, Attr: attrClientID}
}

// policiesOf lists the wanted policies that are for an app, in address order.
func (p planner) policiesOf(app reconcile.Object) []reconcile.Object {
	var policies []reconcile.Object
	id := p.clientID(app)
	for _, o := range p.policies {
		if p.audience(o).has(app.Addr, id) {
			policies = append(policies, o)
		}
	}
	return policies
}

// scopesOf lists the scopes that an app's rules name, without those of OpenID Connect, which a machine cannot ask for.
func (p planner) scopesOf(app reconcile.Object) []string {
	var scopes []string
	for _, policy := range p.policiesOf(app) {
		for _, o := range p.view.others[kindRule] {
			if o.Addr.Within(policy.Addr) {
				scopes = append(scopes, reconcile.Texts(o.Get(attrScopes))...)
			}
		}
		if slices.Contains(scopes, "*") {
			for _, o := range p.view.others[kindScope] {
				if !o.Absent && reconcile.Equal(o.Get(attrServer), policy.Get(attrServer)) {
					scopes = append(scopes, o.TextAttr(attrName))
				}
			}
		}
	}
	return askable(scopes)
}

// askable sorts scopes and leaves out those that client_credentials cannot ask for.
func askable(scopes []string) []string {
	scopes = slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == "*" || slices.Contains(reservedScopes, s) })
	slices.Sort(scopes)
	return slices.Compact(scopes)
}
