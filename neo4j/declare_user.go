package neo4j

import (
	"regexp"
	"strings"

	"keymaker/reconcile"
)

// authProvider is what Keymaker takes as the name of an auth provider. It has to stand in a statement as a literal, and names a provider of the lists, where a comma
// would end it.
var authProvider = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// user declares neo4j "user".
func (d *declaration) user() {
	name := d.name()
	if err := checkUserName(name); err != nil && !d.diags.HasErrors() {
		d.fail(d.block.At("name"), "User name is refused", err.Error())
	}
	d.set("name", reconcile.Text(name))
	for _, own := range []string{attrAuth, attrPassword, attrChange} {
		if d.block.Has(own) {
			d.fail(d.block.At(own), "Attribute belongs into a block", own+` is said in a block: auth "native" { password = env("NAME") }, or auth "oidc-okta" { id = "…" }.`)
		}
	}
	if d.has(attrStatus) {
		d.set(attrStatus, d.block.Value(attrStatus))
	}
	d.home()
	d.userRoles()
	d.auth()
}

// home takes the home database, in the case in which Neo4j keeps it.
func (d *declaration) home() {
	if !d.has(attrHome) {
		return
	}
	text, known := d.block.Value(attrHome).(reconcile.Text)
	switch {
	case !known:
		d.fail(d.block.At(attrHome), "Database is not known", "The home database has to be known before apply: write it out, or use a variable.")
	case text != reconcile.Text(strings.TrimSpace(string(text))) || hasControl(string(text)):
		d.fail(d.block.At(attrHome), "Database name is refused", "The name of a database holds no blanks at its ends and no control characters.")
	}
	d.set(attrHome, reconcile.Text(normalizeDatabase(string(text))))
}

func (d *declaration) userRoles() {
	if !d.has(attrRoles) {
		return
	}
	arg := d.block.Fields[attrRoles]
	for _, it := range members(arg) {
		text, known := it.Value.(reconcile.Text)
		switch err := checkRoleName(string(text)); {
		case !known: // a reference that is checked when it is resolved
		case text == publicRole:
			d.fail(it.Range, "PUBLIC is nobody's to give", "Every user has the role PUBLIC, and Neo4j neither grants nor revokes it. Leave it out.")
		case err != nil:
			d.fail(it.Range, "Role name is refused", err.Error())
		case text == adminRole:
			d.warn(it.Range, "User gets every privilege", "User "+d.object.TextAttr("name")+" may do everything in this DBMS as admin.")
		}
	}
	d.set(attrRoles, reconcile.SetOf(reconcile.Members(arg.Value)...))
}

// auth makes the auth blocks one map, and keeps the password beside it.
func (d *declaration) auth() {
	blocks := d.block.Inner(attrAuth)
	if len(blocks) == 0 {
		return
	}
	providers := make(reconcile.Map, len(blocks))
	var items []reconcile.Item
	for _, b := range blocks {
		v := d.external(b)
		if b.Name == nativeProvider {
			v = d.native(b)
		}
		if v == nil {
			continue
		}
		providers[b.Name] = v
		items = append(items, reconcile.Item{Key: b.Name, Value: v, Range: b.Range})
	}
	d.object.Set(reconcile.Attr{Name: attrAuth, Value: providers, Range: blocks[0].Range, Items: items})
}

func (d *declaration) native(b reconcile.Block) reconcile.Value {
	if b.Has("id") {
		d.fail(b.At("id"), "Native has no id", "A user logs in to native by its own name. Remove id.")
	}
	password, ok := b.Value(attrPassword).(reconcile.Secret)
	if !ok || password.IsZero() {
		d.fail(b.At(attrPassword), "Password is missing", `A native user has a password. Write password = env("NAME") for an environment variable, or secret_file("PATH").`)
		return nil
	}
	d.object.Set(reconcile.Attr{Name: attrPassword, Value: password, Range: b.At(attrPassword)})
	if change, ok := b.Value(attrChange).(reconcile.Flag); ok {
		d.object.Set(reconcile.Attr{Name: attrChange, Value: change, Range: b.At(attrChange)})
	}
	return reconcile.Text(nativeAuth)
}

func (d *declaration) external(b reconcile.Block) reconcile.Value {
	if b.Name == nativeProvider {
		return nil
	}
	if !authProvider.MatchString(b.Name) {
		d.fail(b.Range, "Provider name is refused", "An auth provider is named as in dbms.security.authentication_providers: native, ldap, or oidc- and the name of an oidc_provider.")
	}
	for _, own := range []string{attrPassword, attrChange} {
		if b.Has(own) {
			d.fail(b.At(own), "Attribute is for native only", "An external provider knows its users' passwords; Neo4j does not. Remove "+own+".")
		}
	}
	switch id := b.Value("id").(type) {
	case nil, reconcile.Null:
		d.fail(b.At("id"), "Id is missing", "id says who the user is to provider "+b.Name+": the value of its username claim, such as an app's client_id.")
		return nil
	case reconcile.Text:
		if id == "" || hasControl(string(id)) {
			d.fail(b.At("id"), "Id is refused", "An id is a text of at least one character, without control characters.")
		}
		return id
	default:
		return id
	}
}
