package okta

import (
	"fmt"
	"path/filepath"
	"slices"

	"keymaker/reconcile"
)

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
	set, inline := o.Get(attrKeys).(reconcile.Map)
	if method == methodNone {
		d.fail(b.At(attrMethod), "App without authentication", "A client that does not authenticate gets no token with client_credentials. Use client_secret_basic or private_key_jwt.")
	}
	if o.Get(attrKeys) != nil && o.Get(attrKeysURI) != nil {
		d.fail(b.At(attrKeysURI), "Two sources of keys", "Okta takes jwks or jwks_uri, not both. Remove one.")
	}
	if o.Get(attrKeys) != nil && (!inline || reconcile.Members(set["keys"]) == nil) {
		d.fail(b.At(attrKeys), "Invalid key set", "jwks is a JWK set: { keys = [ { kty = \"RSA\", kid = \"...\", n = \"...\", e = \"AQAB\" } ] }.")
	}
	if uri := o.TextAttr(attrKeysURI); uri != "" {
		d.check(b.At(attrKeysURI), "Invalid address", checkKeysURI(uri))
	}
	for _, k := range reconcile.Members(set["keys"]) {
		if key, ok := k.(reconcile.Map); ok && (key["d"] != nil || key["k"] != nil || key["p"] != nil) {
			d.fail(b.At(attrKeys), "Private key in the spec", "Okta needs the public half only. Remove the members d, p, q, dp, dq, qi and k, and treat the key as leaked.")
			return
		}
	}
	d.keyNames(reconcile.Members(set["keys"]))
	if method == methodKey && o.Get(attrKeys) == nil && o.Get(attrKeysURI) == nil && o.Get(attrKey) == nil {
		d.warn(b.At(attrMethod), "No keys", "With private_key_jwt Okta needs the client's public keys. Add a key block, or set jwks or jwks_uri, unless the app has them already.")
	}
}

// keyNames checks that each key has a name of its own (Okta's API description, "JSON Web Key": kid is unique). One without would be drift for ever, as Okta gives it one.
func (d *declaration) keyNames(keys []reconcile.Value) {
	seen := map[string]bool{}
	for _, v := range keys {
		k, ok := v.(reconcile.Map)
		if !ok || !reconcile.Known(v) {
			continue
		}
		kid := textOf(k["kid"])
		if kid == "" {
			d.fail(d.block.At(attrKeys), "Key without a name", "Each key of jwks has a kid, a text of your choice that no other key of the app has. Add it.")
		} else if seen[kid] {
			d.fail(d.block.At(attrKeys), "Two keys of one name", fmt.Sprintf("Two keys of jwks have the kid %q. Rename one.", kid))
		}
		seen[kid] = true
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
	d.envName(b)
	file = d.inDir(file)
	where := reconcile.Map{"file": reconcile.Text(file), "format": reconcile.Text(b.Text("format", formatEnv))}
	if env := b.Text("env", ""); env != "" {
		where["env"] = reconcile.Text(env)
	}
	o.Set(reconcile.Attr{Name: attrSecret, Range: b.Range, Value: where})
	o.Set(reconcile.Attr{Name: attrDelivery, Range: b.Range, Value: reconcile.Text(delivered)})
}

// envName checks the environment variable of a secret or key block.
func (d *declaration) envName(b reconcile.Block) {
	if env := b.Text("env", ""); env != "" && !isEnvName(env) {
		d.fail(b.At("env"), "Invalid environment variable", fmt.Sprintf("%q is no name of an environment variable: letters, digits and _, not starting with a digit.", env))
	}
}

// inDir makes a path of the spec absolute, or relative to where keymaker runs.
func (d *declaration) inDir(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(d.block.Dir, file)
}

// key adds where the private key is, and that the app authenticates with it.
func (d *declaration) key(o *reconcile.Object) {
	blocks := d.block.Inner(attrKey)
	if len(blocks) == 0 {
		return
	}
	b := blocks[0]
	if method, ok := o.Attr(attrMethod); !ok {
		o.Set(reconcile.Attr{Name: attrMethod, Value: reconcile.Text(methodKey), Range: b.Range})
	} else if method.Value != reconcile.Text(methodKey) {
		d.fail(d.block.At(attrMethod), "Key of an app that uses none", "An app with a key block authenticates by private_key_jwt. Set that, or remove the block.")
	}
	for _, other := range []string{attrKeys, attrKeysURI} {
		if o.Get(other) != nil {
			d.fail(d.block.At(other), "Two sources of keys", "The key block adds its public half to the app's keys itself. Remove "+other+", or the block.")
		}
	}
	file := b.Text("file", "")
	if file == "" {
		d.fail(b.At("file"), "No file for the key", "file names the PEM file with the private key, such as \"secrets/"+d.block.Addr.Name+".pem\", and must be known before apply.")
	}
	d.envName(b)
	where := reconcile.Map{"file": reconcile.Text(d.inDir(file)), "algorithm": reconcile.Text(b.Text("algorithm", keyAlgorithms()[0]))}
	if env := b.Text("env", ""); env != "" {
		where["env"] = reconcile.Text(env)
	}
	if env := b.Text("env_file", ""); env != "" {
		where["env_file"] = reconcile.Text(d.inDir(env))
		if d.inDir(env) == d.inDir(file) {
			d.fail(b.At("env_file"), "One file for two things", "env_file would be written over the key. Choose another name.")
		}
	}
	o.Set(reconcile.Attr{Name: attrKey, Range: b.Range, Value: where})
	o.Set(reconcile.Attr{Name: attrKeyDelivery, Range: b.Range, Value: reconcile.Text(delivered)})
}

// notes checks the notes on an app (Okta's API description, application settings).
func (d *declaration) notes(o reconcile.Object) {
	notes, _ := o.Get(attrNotes).(reconcile.Map)
	for name, v := range notes {
		if name != "admin" && name != "enduser" {
			d.fail(d.block.At(attrNotes), "Unknown note", fmt.Sprintf("notes has admin and enduser, not %q.", name))
		}
		if v == reconcile.Text("") {
			d.fail(d.block.At(attrNotes), "Empty note", "Write null to clear the note "+name+", or leave it out to leave it alone.")
		}
	}
}

// network checks from where tokens may be asked for (Okta's API description, network of OAuth 2.0 client settings).
func (d *declaration) network(o reconcile.Object) {
	at := d.block.At(attrNetwork)
	v := o.Get(attrNetwork)
	if v == nil {
		return
	}
	zones, ok := v.(reconcile.Map)
	if !ok {
		d.fail(at, "Invalid network", `network is a map, such as { connection = "ZONE", include = ["nzo1a2b3"] }.`)
		return
	}
	for name, member := range zones {
		switch name {
		case "connection":
			if member != reconcile.Text("ANYWHERE") && member != reconcile.Text("ZONE") {
				d.fail(at, "Invalid network", "connection is ANYWHERE or ZONE.")
			}
		case "include", "exclude":
			if ids := reconcile.Members(member); ids == nil || len(reconcile.Texts(member)) != len(ids) {
				d.fail(at, "Invalid network", name+" is a list of ids of network zones.")
			}
		default:
			d.fail(at, "Invalid network", fmt.Sprintf("network has connection, include and exclude, not %q.", name))
		}
	}
	zoned := slices.ContainsFunc([]string{"include", "exclude"}, func(name string) bool { return len(reconcile.Members(zones[name])) > 0 })
	if zones["connection"] == reconcile.Text("ANYWHERE") && zoned {
		d.fail(at, "Invalid network", "ANYWHERE has no zones. Remove them, or write connection = \"ZONE\".")
	}
}
