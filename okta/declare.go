package okta

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// declaration reads one block, collecting what is wrong with it.
type declaration struct {
	block reconcile.Block
	diags hcl.Diagnostics
}

// fail notes a mistake. detail says what is wrong and what to do.
func (d *declaration) fail(at hcl.Range, summary, detail string) {
	d.diags = append(d.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

func (d *declaration) warn(at hcl.Range, summary, detail string) {
	d.diags = append(d.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

// object makes the object of a block with the attributes that its kind writes to Okta, and its status.
func (d *declaration) object(b reconcile.Block, addr reconcile.Addr) reconcile.Object {
	o := reconcile.Object{Addr: addr, Range: b.Range, Lifecycle: b.Lifecycle}
	o.Need(b.Needs...)
	set := func(name string) {
		a, ok := b.Fields[name]
		if !ok || a.Value == nil {
			return
		}
		if _, null := a.Value.(reconcile.Null); null {
			return
		}
		o.Set(reconcile.Attr{Name: name, Value: a.Value, Range: a.Range, Items: a.Items})
	}
	for _, w := range wires[addr.Kind] {
		set(w.attr)
	}
	set(attrStatus)
	return o
}

// name sets the attribute that an object is found by, from the block's name when the block does not say it, and checks that it is known.
func (d *declaration) name(o *reconcile.Object, attr string, check func(string) error) {
	if o.Get(attr) == nil {
		o.Set(reconcile.Attr{Name: attr, Value: reconcile.Text(d.block.Addr.Name), Range: d.block.Range})
	}
	d.known(o, attr)
	if text, ok := o.Get(attr).(reconcile.Text); ok {
		d.check(d.block.At(attr), fmt.Sprintf("Invalid %s", words(attr)), check(string(text)))
	}
}

// known refuses a value that only exists after apply where the object is found by it.
func (d *declaration) known(o *reconcile.Object, attr string) {
	if v := o.Get(attr); v != nil && !reconcile.Known(v) {
		d.fail(d.block.At(attr), "Value not known before apply",
			fmt.Sprintf("%s is how the object is found in Okta, so it must be known when the plan is made. Write it out.", attr))
	}
}

func (d *declaration) check(at hcl.Range, summary string, err error) {
	if err != nil {
		text := err.Error()
		d.fail(at, summary, strings.ToUpper(text[:1])+text[1:]+".")
	}
}

// inServer sets the authorization server that holds an object, default when the block does not say it.
func (d *declaration) inServer(o *reconcile.Object) {
	v := d.block.Value(attrServer)
	if v == nil {
		v = reconcile.Text(defaultServer)
	}
	if ref, ok := v.(reconcile.Ref); ok && ref.Addr.Kind == kindServer && ref.Addr.Name == defaultServer && ref.Addr.Key == "" {
		v = reconcile.Text(defaultServer) // Okta takes the alias in every path, and there is always exactly one
	}
	if text, ok := v.(reconcile.Text); ok {
		d.check(d.block.At(attrServer), "Invalid authorization server", checkID(string(text)))
	}
	o.Set(reconcile.Attr{Name: attrServer, Value: v, Range: d.block.At(attrServer)})
}

func (d *declaration) app() []reconcile.Object {
	b := d.block
	o := d.object(b, b.Addr)
	d.name(&o, attrLabel, checkLabel)
	d.known(&o, attrClientID)
	if id, ok := o.Get(attrClientID).(reconcile.Text); ok {
		d.check(b.At(attrClientID), "Invalid client id", checkClientID(string(id)))
	}
	if o.Get(attrDPoP) == nil {
		o.Set(reconcile.Attr{Name: attrDPoP, Value: reconcile.Flag(false), Range: b.Range})
	}
	if o.Get(attrDPoP) == reconcile.Flag(true) {
		d.warn(b.At(attrDPoP), "DPoP-bound tokens", "Neo4j takes no DPoP-bound token: this account will not be able to log in to it.")
	}
	if grants, ok := o.Attr(attrGrants); ok {
		o.Set(asSet(grants))
		if !contains(o.Get(attrGrants), reconcile.Text(grantMachine)) {
			d.warn(b.At(attrGrants), "App without client_credentials", "Only client_credentials gives a token to a machine that has nobody to ask. Add it, or the account cannot log in on its own.")
		}
	}
	d.profile(o)
	d.keys(o)
	d.secret(&o)
	return []reconcile.Object{o}
}

// asSet makes sure that the value of a set attribute is a Set.
func asSet(a reconcile.Attr) reconcile.Attr {
	if l, ok := a.Value.(reconcile.List); ok {
		a.Value = reconcile.SetOf(l...)
	}
	return a
}

// maxProfile is how large a profile may be, "about 1 MB" (Okta's API description of an app's profile).
const maxProfile = 1 << 20

func (d *declaration) profile(o reconcile.Object) {
	v := o.Get(attrProfile)
	if v == nil {
		return
	}
	if _, ok := v.(reconcile.Map); !ok {
		d.fail(d.block.At(attrProfile), "Invalid profile", "profile is a map of attributes, such as { neo4j_groups = [\"neo4j_writer\"] }.")
		return
	}
	if len(v.String()) > maxProfile {
		d.fail(d.block.At(attrProfile), "Profile too large", "Okta keeps about 1 MB of profile for an app. Make it smaller.")
	}
}

func (d *declaration) keys(o reconcile.Object) {
	b := d.block
	method := o.TextAttr(attrMethod)
	set, inline := o.Get("jwks").(reconcile.Map)
	if method == methodNone {
		d.fail(b.At(attrMethod), "App without authentication", "A client that does not authenticate gets no token with client_credentials. Use client_secret_basic or private_key_jwt.")
	}
	if o.Get("jwks") != nil && o.Get("jwks_uri") != nil {
		d.fail(b.At("jwks_uri"), "Two sources of keys", "Okta takes jwks or jwks_uri, not both. Remove one.")
	}
	if o.Get("jwks") != nil && (!inline || reconcile.Members(set["keys"]) == nil) {
		d.fail(b.At("jwks"), "Invalid key set", "jwks is a JWK set: { keys = [ { kty = \"RSA\", kid = \"...\", n = \"...\", e = \"AQAB\" } ] }.")
	}
	for _, k := range reconcile.Members(set["keys"]) {
		if key, ok := k.(reconcile.Map); ok && (key["d"] != nil || key["k"] != nil || key["p"] != nil) {
			d.fail(b.At("jwks"), "Private key in the spec", "Okta needs the public half only. Remove the members d, p, q, dp, dq, qi and k, and treat the key as leaked.")
			return
		}
	}
	if method == methodKey && o.Get("jwks") == nil && o.Get("jwks_uri") == nil {
		d.warn(b.At(attrMethod), "No keys", "With private_key_jwt Okta needs the client's public keys. Set jwks or jwks_uri, unless the app has them already.")
	}
}

// secret adds where the client secret is delivered, or that nobody receives it.
func (d *declaration) secret(o *reconcile.Object) {
	method := o.TextAttr(attrMethod)
	blocks := d.block.Inner("secret")
	if len(blocks) == 0 {
		if method != methodKey && method != methodNone {
			o.Notes = append(o.Notes, reconcile.Note{Label: "secret", Text: "Okta makes a client secret, nobody receives it: there is no secret block"})
		}
		return
	}
	b := blocks[0]
	if method == methodKey {
		d.fail(b.Range, "Secret of an app that has none", "An app with private_key_jwt has no client secret. Remove the secret block, or change token_endpoint_auth_method.")
	}
	file := b.Text("file", "")
	if file == "" {
		d.fail(b.At("file"), "No file for the secret", "file names the file that receives the client secret, such as \"secrets/"+d.block.Addr.Name+".env\", and must be known before apply.")
	}
	if env := b.Text("env", ""); env != "" && !isEnvName(env) {
		d.fail(b.At("env"), "Invalid environment variable", fmt.Sprintf("%q is no name of an environment variable: letters, digits and _, not starting with a digit.", env))
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(d.block.Dir, file)
	}
	o.Set(reconcile.Attr{Name: attrSecret, Range: b.Range, Value: reconcile.Map{
		"file": reconcile.Text(file), "format": reconcile.Text(b.Text("format", formatEnv)), "env": reconcile.Text(b.Text("env", "")),
	}})
	o.Set(reconcile.Attr{Name: attrDelivery, Range: b.Range, Value: reconcile.Text(delivered)})
}

func (d *declaration) server() []reconcile.Object {
	b := d.block
	o := d.object(b, b.Addr)
	d.name(&o, attrName, checkLabel)
	if audiences, ok := o.Attr("audiences"); ok {
		o.Set(asSet(audiences))
		if n := len(reconcile.Members(o.Get("audiences"))); n != 1 {
			d.fail(b.At("audiences"), "One audience", fmt.Sprintf("An authorization server has exactly one audience, here are %d. Keep one.", n))
		}
		for _, a := range reconcile.Texts(o.Get("audiences")) {
			d.check(b.At("audiences"), "Invalid audience", checkAudience(a))
		}
	}
	if o.TextAttr(attrName) == defaultServer && o.TextAttr(attrStatus) == inactive {
		d.warn(b.At(attrStatus), "Default server off", "Every client that uses the default authorization server stops getting tokens.")
	}
	return []reconcile.Object{o}
}

// duration gives a duration attribute in Go's canonical spelling, checked to be whole minutes; false when it is left out or wrong.
func (d *declaration) duration(b reconcile.Block, o *reconcile.Object, attr string) (time.Duration, bool) {
	a, ok := o.Attr(attr)
	if !ok {
		return 0, false
	}
	text, known := a.Value.(reconcile.Text)
	if !known {
		d.fail(b.At(attr), "Value not known before apply", words(attr)+" must be written out.")
		return 0, false
	}
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 || v%time.Minute != 0 {
		d.fail(b.At(attr), "Invalid duration", fmt.Sprintf("%s is a whole number of minutes, such as \"1h\" or \"90m\"; got %s.", words(attr), text))
		return 0, false
	}
	a.Value = reconcile.Text(v.String())
	o.Set(a)
	return v, true
}
