package okta

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// Steps makes changes concrete: the calls of each, its stage, what it may harm. It does no I/O; of the org it knows what the last Read saw.
func (s *System) Steps(changes []reconcile.Change) ([]reconcile.Step, error) {
	view := s.recall()
	p := planner{view: view, changes: map[reconcile.Addr]reconcile.Change{}, domain: s.client.settings.org.Host, neoURI: s.neoURI, more: s.more,
		audiences: map[reconcile.Addr]audience{}}
	for _, c := range changes {
		p.changes[c.Addr()] = c
	}
	for _, o := range p.view.others[kindPolicy] {
		if !o.Absent {
			p.policies = append(p.policies, o)
		}
	}
	var steps []reconcile.Step
	for _, c := range changes {
		step, err := p.step(c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Addr(), err)
		}
		steps = append(steps, step)
	}
	p.looks(steps)
	p.serialize(steps)
	return steps, nil
}

// planner is one Steps.
type planner struct {
	view    view
	changes map[reconcile.Addr]reconcile.Change
	domain  string
	neoURI  string
	more    map[string]string

	policies  []reconcile.Object          // that the spec declares, in address order
	audiences map[reconcile.Addr]audience // of policies, once they were asked for: a policy may name thousands of clients, and each of them asks
}

// audience is the clients of a policy as the plan means it.
func (p planner) audience(policy reconcile.Object) audience {
	a, ok := p.audiences[policy.Addr]
	if !ok {
		a = audienceOf(policy)
		p.audiences[policy.Addr] = a
	}
	return a
}

func (p planner) step(c reconcile.Change) (reconcile.Step, error) {
	step := reconcile.Step{Change: c, Stage: reconcile.Converge}
	switch c := c.(type) {
	case reconcile.Create:
		step.Ops, step.Notes = p.create(c.Want), c.Want.Notes
	case reconcile.Update:
		ops, err := p.update(c)
		if err != nil {
			return step, err
		}
		step.Ops = ops
		guard(ops, p.seenOf(c))
		if p.narrows(c) {
			step.Stage = reconcile.Restrict
		}
		if _, bound := c.Diff(attrDPoP); bound && c.Want.Get(attrDPoP) == reconcile.Flag(false) {
			step.Notes = append(step.Notes, reconcile.Note{Label: "dpop", Text: "Neo4j takes no DPoP-bound token: this account cannot log in until this is applied."})
		}
	case reconcile.Delete:
		step.Ops, step.Stage = p.delete(c.Live), reconcile.Retire
		guard(step.Ops, p.seenOf(c))
		if c.Addr().Kind == kindApp {
			step.Stage = reconcile.Restrict
		}
	}
	step.Hazards, step.Touches = p.hazards(c), p.touches(c)
	return step, nil
}

// collection is the path at which objects of o's kind are made.
func (p planner) collection(o reconcile.Object) []reconcile.Value {
	switch o.Addr.Kind {
	case kindApp:
		return appsPath()
	case kindServer:
		path := serverPath(nil)
		return path[:len(path)-1]
	case kindRule:
		policy := policyOf(o)
		return append(serverPath(p.server(o), reconcile.Text("policies")), p.id(policy), reconcile.Text("rules"))
	}
	return serverPath(p.server(o), reconcile.Text(collections[o.Addr.Kind]))
}

// path is where an object is.
func (p planner) path(o reconcile.Object, more ...string) []reconcile.Value {
	path := append(p.collection(o), p.selfID(o))
	for _, m := range more {
		path = append(path, reconcile.Text(m))
	}
	return path
}

// id is Okta's id of an object, or the reference that will give it.
func (p planner) id(a reconcile.Addr) reconcile.Value {
	if id, ok := p.view.live[a].Facts["id"]; ok {
		return id
	}
	return reconcile.Ref{Addr: a, Attr: "id"}
}

// selfID is id for an object at hand: one that no want declares is known by its facts only.
func (p planner) selfID(o reconcile.Object) reconcile.Value {
	if id, ok := o.Facts["id"]; ok {
		return id
	}
	return p.id(o.Addr)
}

// server is what stands in a path for the authorization server that holds an object.
func (p planner) server(o reconcile.Object) reconcile.Value {
	if o.Addr.Kind == kindRule {
		o = p.view.object(policyOf(o))
	}
	if v := o.Get(attrServer); v != nil {
		return reconcile.Resolve(v, p.view.resolver())
	}
	return reconcile.Text(defaultServer)
}

// create makes an object. What the spec leaves out and Okta wants is filled in here, and is not managed from then on.
func (p planner) create(o reconcile.Object) []reconcile.Op {
	body := reconcile.Map{}
	for _, w := range wires[o.Addr.Kind] {
		if v := o.Get(w.attr); v != nil {
			putValue(body, w.write(v), w.path...)
		}
	}
	p.complete(o, body)
	post := Request{Addr: o.Addr, Method: "POST", Path: p.collection(o), Body: body}
	switch {
	case o.Addr.Kind == kindApp:
		return p.createApp(o, post)
	case o.Addr.Kind == kindRule && o.TextAttr(attrStatus) == inactive:
		return p.createInactiveRule(o, post)
	}
	ops := []reconcile.Op{post}
	if o.Addr.Kind == kindServer && o.TextAttr(attrRotation) == "MANUAL" {
		// Recorded: a POST answers AUTO whatever it was sent, and a PUT sets it.
		ops = append(ops, Request{Addr: o.Addr, Method: "PUT", Path: p.path(o), Edits: []Edit{
			{Attr: attrRotation, Path: []string{"credentials", "signing", "rotationMode"}, Seen: reconcile.Text("AUTO"), Goal: reconcile.Text("MANUAL")}}})
	}
	if o.Addr.Kind != kindClaim && o.TextAttr(attrStatus) == inactive { // made active, whatever a POST says
		ops = append(ops, p.lifecycle(o, inactive))
	}
	return ops
}

// idleGrant is a grant that gives a client nothing by itself: it takes an assertion of a SAML identity provider that the org trusts.
const idleGrant = "urn:ietf:params:oauth:grant-type:saml2-bearer"

// createInactiveRule makes a rule that gives nothing between two calls. Okta makes every rule active (Okta's API description: status is changed by
// lifecycle calls), so it is made for a grant of no use, switched off, and only then gets its own.
func (p planner) createInactiveRule(o reconcile.Object, post Request) []reconcile.Op {
	w, _ := wireOf(kindRule, attrGrants)
	grants := valueAt(post.Body, w.path...)
	putValue(post.Body, reconcile.List{reconcile.Text(idleGrant)}, w.path...)
	return []reconcile.Op{post, p.lifecycle(o, inactive), Request{Addr: o.Addr, Method: "PUT", Path: p.path(o), Edits: []Edit{
		{Attr: attrGrants, Path: w.path, Seen: reconcile.SetOf(reconcile.Text(idleGrant)), Goal: grants}}}}
}

func (p planner) createApp(o reconcile.Object, post Request) []reconcile.Op {
	post.Query = "activate=true"
	if o.TextAttr(attrStatus) == inactive {
		post.Query = "activate=false"
	}
	if where, ok := o.Get(attrKey).(reconcile.Map); ok {
		putValue(post.Body, reconcile.List{publicKeyOf(o.Addr)}, keysPath()...)
		return []reconcile.Op{p.keepKey(o, where), post, p.deliverKey(o, where)}
	}
	where, ok := o.Get(attrSecret).(reconcile.Map)
	if !ok {
		return []reconcile.Op{post}
	}
	file, _ := where["file"].(reconcile.Text)
	putValue(post.Body, pendingSecret(string(file)), "credentials", "oauthClient", "client_secret")
	return []reconcile.Op{KeepSecret{Addr: o.Addr, File: string(file)}, post, p.deliver(o, where)}
}

// complete adds to a create what the spec does not say.
func (p planner) complete(o reconcile.Object, body reconcile.Map) {
	fill := func(v reconcile.Value, path ...string) {
		if valueAt(body, path...) == nil {
			putValue(body, v, path...)
		}
	}
	text := func(s string) reconcile.Value { return reconcile.Text(s) }
	switch o.Addr.Kind {
	case kindApp:
		fill(text("oidc_client"), "name")
		fill(text("OPENID_CONNECT"), "signOnMode")
		fill(text(methodBasic), "credentials", "oauthClient", "token_endpoint_auth_method")
		fill(text("service"), "settings", "oauthClient", "application_type")
		fill(reconcile.List{text(grantMachine)}, "settings", "oauthClient", "grant_types")
		fill(reconcile.List{text("token")}, "settings", "oauthClient", "response_types")
	case kindServer:
		fill(text(o.TextAttr(attrName)), "description")
		fill(reconcile.List{text("api://" + o.Addr.Name)}, "audiences")
	case kindScope:
		fill(text(consentImplied), "consent")
		fill(text("NO_CLIENTS"), "metadataPublish")
	case kindClaim:
		fill(text(valueExpr), "valueType")
		fill(text(active), "status")
		fill(reconcile.List{}, "conditions", "scopes")
		fill(reconcile.Flag(o.TextAttr("claim_type") == claimResource), "alwaysIncludeInToken")
	case kindPolicy:
		fill(text("OAUTH_AUTHORIZATION_POLICY"), "type")
		fill(text(active), "status")
		fill(text(o.TextAttr(attrName)), "description")
		fill(reconcile.List{}, "conditions", "clients", "include")
		fill(reconcile.Int(int64(p.policyPriority(o))), "priority")
	case kindRule:
		p.completeRule(o, fill)
	}
}

func (p planner) completeRule(o reconcile.Object, fill func(reconcile.Value, ...string)) {
	fill(reconcile.Text("RESOURCE_ACCESS"), "type")
	fill(reconcile.Text(o.Addr.Name), "name")
	fill(reconcile.Text(active), "status")
	fill(reconcile.Int(int64(p.rulePriority(o))), "priority")
	fill(reconcile.List{reconcile.Text(grantMachine)}, "conditions", "grantTypes", "include")
	fill(reconcile.Int(60), "actions", "token", "accessTokenLifetimeMinutes")
	fill(reconcile.Int(0), "actions", "token", "refreshTokenLifetimeMinutes")
	window := reconcile.Int(10080)
	if refresh, ok := o.Get(attrRefresh).(reconcile.Text); ok && refresh != "0s" {
		w, _ := wireOf(kindRule, attrRefresh)
		window = w.write(refresh).(reconcile.Number) // the window ends within the token's life
	}
	fill(window, "actions", "token", "refreshTokenWindowMinutes")
	if !onlyMachines(o.Get(attrGrants)) && len(reconcile.Members(o.Get(attrUsers))) == 0 { // a grant for users needs to know which; for machines a rule without people was recorded
		fill(reconcile.List{reconcile.Text(everyone)}, "conditions", "people", "groups", "include")
	}
}

func onlyMachines(grants reconcile.Value) bool {
	return !slices.ContainsFunc(reconcile.Members(grants), func(v reconcile.Value) bool { return v != reconcile.Text(grantMachine) })
}

// valueAt gives what stands at a path of a body.
func valueAt(m reconcile.Map, path ...string) reconcile.Value {
	for _, p := range path[:len(path)-1] {
		m, _ = m[p].(reconcile.Map)
	}
	return m[path[len(path)-1]]
}

// lifecycle is the call that brings an object to a status.
func (p planner) lifecycle(o reconcile.Object, status string) reconcile.Op {
	verb := "activate"
	if status == inactive {
		verb = "deactivate"
	}
	return Request{Addr: o.Addr, Method: "POST", Path: p.path(o, "lifecycle", verb), Goal: status}
}

// update changes what differs, in one PUT, and the status by its own call: off before the rest changes, on after.
func (p planner) update(c reconcile.Update) ([]reconcile.Op, error) {
	put := Request{Addr: c.Addr(), Method: "PUT", Path: p.path(c.Want)}
	var before, after []reconcile.Op
	var last []Edit
	for _, d := range c.Diffs {
		switch {
		case d.Name == attrStatus && c.Addr().Kind != kindClaim:
			if status := textOf(d.Want); status == inactive {
				before = append(before, p.lifecycle(c.Want, status))
			} else {
				after = append(after, p.lifecycle(c.Want, status))
			}
		case d.Name == attrRuleOrder:
			after = append(after, p.reorderRules(c, reconcile.Texts(d.Want))...)
		case d.Name == attrPolicyOrder:
			shelf := p.view.policies[p.selfServer(c.Want).String()]
			order := slices.DeleteFunc(reconcile.Texts(d.Want), func(name string) bool { return !slices.Contains(shelf.names, name) })
			moves := moves(shelf.names, order, shelf.system)
			if shelf.present != nil { // the policies' own steps, which rename them, come later
				order = shelf.present(order)
			}
			after = append(after, Reorder{Addr: c.Addr(), List: p.path(c.Want, "policies"), Order: order, Fixed: shelf.system, Moves: moves})
		case d.Name == attrDelivery:
			where, _ := c.Want.Get(attrSecret).(reconcile.Map)
			after = append(after, p.settle(c, where), p.deliver(c.Want, where))
		case d.Name == attrKeyDelivery:
			where, _ := c.Want.Get(attrKey).(reconcile.Map)
			before = append(before, p.keepKey(c.Want, where))
			if known := p.knownKey(c); known != nil {
				after = append(after, known...)
				after = append(after, p.deliverKey(c.Want, where))
				break
			}
			put.Edits = append(put.Edits, Edit{Attr: attrKeys, Path: keysPath(), Goal: publicKeyOf(c.Addr()), Add: true})
			if uri := c.Live.Get(attrKeysURI); uri != nil && uri != reconcile.Text("") { // Okta takes one or the other
				put.Edits = append(put.Edits, Edit{Attr: attrKeysURI, Path: []string{"settings", "oauthClient", attrKeysURI}, Seen: uri, Goal: reconcile.Null{}})
			}
			after = append(after, p.deliverKey(c.Want, where))
		default:
			e, err := edit(c.Addr().Kind, d)
			if err != nil {
				return nil, err
			}
			if isHeldNote(d) {
				last = append(last, e)
				continue
			}
			put.Edits = append(append(put.Edits, e), otherKeys(c, d)...)
		}
	}
	if err := fits(c); err != nil {
		return nil, err
	}
	if err := keepsRights(c); err != nil {
		return nil, err
	}
	ops := before
	if len(put.Edits) > 0 {
		ops = append(ops, put)
	}
	if ops = append(ops, after...); len(last) > 0 {
		ops = append(ops, Request{Addr: c.Addr(), Method: "PUT", Path: put.Path, Edits: last})
	}
	return ops, nil
}

// otherKeys takes away the other source of an app's keys when one is set: Okta takes keys or an address of keys (Okta's API description, OAuth 2.0 client settings).
func otherKeys(c reconcile.Update, d reconcile.Diff) []Edit {
	path := func(name string) []string { return []string{"settings", "oauthClient", name} }
	keys, _ := c.Live.Get(attrKeys).(reconcile.Map)
	switch {
	case d.Name == attrKeysURI && d.Want != reconcile.Text("") && len(reconcile.Members(keys["keys"])) > 0:
		return []Edit{{Attr: attrKeys, Path: path(attrKeys), Seen: keys, Goal: reconcile.Null{}}}
	case d.Name == attrKeys && c.Live.TextAttr(attrKeysURI) != "":
		return []Edit{{Attr: attrKeysURI, Path: path(attrKeysURI), Seen: c.Live.Get(attrKeysURI), Goal: reconcile.Null{}}}
	}
	return nil
}

// fits refuses what Okta would, where that follows from an attribute which the spec leaves to others: a scope that users may decline has to ask them
// (Okta's reference "Authorization Servers", scope properties).
func fits(c reconcile.Update) error {
	if _, changes := c.Diff("consent"); !changes || c.Want.TextAttr("consent") != consentImplied || c.Want.Get("optional") != nil {
		return nil
	}
	if c.Live.Get("optional") == reconcile.Flag(true) {
		return fmt.Errorf("consent IMPLICIT does not go with optional, which is true in Okta and not in the spec: write optional = false")
	}
	return nil
}

// edit is the change of one attribute in Okta's form.
func edit(kind string, d reconcile.Diff) (Edit, error) {
	name, member, ofMap := strings.Cut(d.Name, ".")
	w, ok := wireOf(kind, name)
	if !ok || w.attr == attrClientID {
		return Edit{}, fmt.Errorf("%s cannot be changed in Okta", d.Name)
	}
	path := w.path
	if ofMap {
		path = append(slices.Clone(path), member)
	}
	e := Edit{Attr: d.Name, Path: path, Goal: w.write(d.Want)}
	if d.Live != nil {
		e.Seen = w.write(d.Live)
	}
	return e, nil
}

// delete takes an object away. An app is switched off first, which ends its tokens, and leaves the policies that name it while nobody can use them.
func (p planner) delete(o reconcile.Object) []reconcile.Op {
	var ops []reconcile.Op
	kind := o.Addr.Kind
	if (kind == kindApp || kind == kindServer) && o.TextAttr(attrStatus) == active {
		ops = append(ops, p.lifecycle(o, inactive))
	}
	if kind == kindApp {
		for _, in := range p.view.includes[textOf(o.Facts[attrClientID])] {
			if !in.addr.IsZero() && !p.changesClients(in.addr) {
				ops = append(ops, Strip{Addr: o.Addr, Client: o.Facts[attrClientID],
					Policy: serverPath(reconcile.Text(in.server), reconcile.Text("policies"), reconcile.Text(in.id))})
			}
		}
	}
	return append(ops, Request{Addr: o.Addr, Method: "DELETE", Path: p.path(o)})
}

// changesClients says whether the plan itself changes a policy's clients.
func (p planner) changesClients(policy reconcile.Addr) bool {
	u, ok := p.changes[policy].(reconcile.Update)
	if !ok {
		return false
	}
	_, differs := u.Diff(attrClients)
	return differs
}
