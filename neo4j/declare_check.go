package neo4j

import (
	"slices"
	"strings"

	"keymaker/reconcile"
)

// The keys that Neo4j asks for in params and knows in config (Operations Manual, "OpenID Connect configuration settings").
var (
	paramsKeys = []string{"client_id", "response_type", "scope"}
	configKeys = []string{"principal", "code_challenge_method", "token_type_principal", "token_type_authentication", "implicit_flow_requires_nonce"}
)

// checkProvider refuses what would keep a server from starting, and warns of what would surprise.
func (d *declaration) checkProvider(name string) {
	if v := d.object.Get("audience"); v == nil || isEmpty(v) {
		d.fail(d.block.At("audience"), "Audience is missing", "Neo4j takes no token of a provider without an audience. Set audience to what a token's aud holds, or authorization_server to who issues the tokens.")
	}
	d.checkEndpoints()
	for _, s := range settingsTable() {
		a, ok := d.object.Attr(s.attr)
		if !ok {
			continue
		}
		text, known := a.Value.(reconcile.Text)
		if s.uri && known {
			if err := CheckURI(s.key(name), string(text)); err != nil {
				d.fail(a.Range, "URI is refused", err.Error()+". Neo4j takes https, and plain http on localhost, 127.0.0.1 and [::1] only.")
			}
		}
		switch {
		case s.form == formMap:
			d.checkMap(s.attr, a)
		case s.form == formMapping:
			d.checkMapping(a)
		case s.form == formList:
			d.checkValue(s.attr, a)
		case known:
			d.checkText(s.attr, string(text))
		}
	}
	d.checkTokens()
	d.checkBrowser()
}

// checkTokens warns of tokens that Neo4j or Browser would not take (Operations Manual, "Single sign-on integration").
func (d *declaration) checkTokens() {
	config, _ := d.object.Get("config").(reconcile.Map)
	params, _ := d.object.Get("params").(reconcile.Map)
	scope, known := params["scope"].(reconcile.Text)
	at := d.block.At("params")
	if config["token_type_authentication"] == reconcile.Text("id_token") {
		if id := params["client_id"]; id != nil && !slices.ContainsFunc(reconcile.Members(d.object.Get("audience")), func(v reconcile.Value) bool { return reconcile.Equal(v, id) }) {
			d.warn(d.block.At("audience"), "ID tokens are for the client", "The aud of an ID token is the client's id. Add params.client_id to audience, or no ID token is taken.")
		}
		if known && !slices.Contains(strings.Fields(string(scope)), "openid") {
			d.warn(at, "No ID token without openid", "An identity provider gives an ID token for the scope openid only. Add it to params.scope.")
		}
	}
	for _, attr := range []string{"username_from_user_info", "groups_from_user_info"} {
		if d.object.Get(attr) == reconcile.Flag(true) && d.object.Get("well_known_discovery_uri") == nil && d.object.Get("user_info_uri") == nil {
			d.fail(d.block.At(attr), "User info is nowhere", attr+" asks the user info endpoint, and neither user_info_uri nor a discovery URI says where that is.")
		}
	}
}

// checkText refuses texts that neo4j.conf cannot hold, or would read back as something else.
func (d *declaration) checkText(attr, text string) {
	switch {
	case hasControl(text):
		d.fail(d.block.At(attr), "Value is refused", attr+" cannot hold a line break or another control character.")
	case text != strings.TrimSpace(text):
		d.fail(d.block.At(attr), "Value is refused", attr+" begins or ends with a blank, which neo4j.conf would drop. Remove it.")
	case text == "":
		d.fail(d.block.At(attr), "Value is empty", "An empty setting means its default. Remove "+attr+" to leave it alone, or set it.")
	case strings.Contains(text, `\`):
		d.fail(d.block.At(attr), "Value is refused", attr+" holds a backslash, which neo4j.conf reads as an escape.")
	}
}

func (d *declaration) checkValue(attr string, a reconcile.Attr) {
	if !reconcile.Known(a.Value) {
		return
	}
	if _, err := settingText(a.Value); err != nil {
		d.fail(a.Range, "Value is refused", attr+": "+err.Error())
	}
}

// checkEndpoints asks for what discovery would have said.
func (d *declaration) checkEndpoints() {
	if d.object.Get("well_known_discovery_uri") != nil {
		return
	}
	needed := []string{"issuer", "jwks_uri", "auth_endpoint"}
	if d.object.TextAttr("auth_flow") != "implicit" {
		needed = append(needed, "token_endpoint")
	}
	var missing []string
	for _, name := range needed {
		if d.object.Get(name) == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		d.fail(d.block.Range, "Provider is incomplete", "Without well_known_discovery_uri (or authorization_server, which it follows from) Neo4j asks for "+strings.Join(missing, ", ")+".")
	}
}

func (d *declaration) checkMap(attr string, a reconcile.Attr) {
	m, _ := a.Value.(reconcile.Map)
	arg := d.block.Fields[attr]
	for _, k := range sortedKeys(m) {
		value := "" // what is not known yet is checked when it is
		if t, ok := m[k].(reconcile.Text); ok {
			value = string(t)
		}
		if _, err := PrintSettingMap(map[string]string{k: value}); err != nil {
			d.fail(memberAt(arg, k), "Value is refused", attr+": "+err.Error())
		}
		if attr == "config" && !slices.Contains(configKeys, k) {
			d.fail(memberAt(arg, k), "Unknown key", "map element with key "+k+" is not one of the accepted elements "+bracketed(configKeys)+".")
		}
	}
	if attr != "params" {
		return
	}
	for _, k := range paramsKeys {
		if _, ok := m[k]; !ok {
			d.fail(a.Range, "Parameter is missing", "params map does not contain all of the required keys: "+bracketed(paramsKeys)+". Add "+k+".")
		}
	}
}

func bracketed(words []string) string { return "[" + strings.Join(words, ", ") + "]" }

func (d *declaration) checkMapping(a reconcile.Attr) {
	m, _ := a.Value.(reconcile.Map)
	if len(m) == 0 {
		d.warn(a.Range, "Empty mapping", "Without a mapping Neo4j gives a group the role of the same name: members of a group named admin become admin. Map at least one group to switch that off.")
	}
	for _, group := range sortedKeys(m) {
		at := memberAt(d.block.Fields["group_to_role"], group)
		roles := reconcile.Texts(m[group])
		if err := checkGroup(group); err != nil {
			d.fail(at, "Group name is refused", err.Error()+".")
		}
		if len(reconcile.Members(m[group])) == 0 {
			d.fail(at, "Group is mapped to no role", "A mapping without roles does not parse in Neo4j. Name a role, or remove the group: it then gets none.")
		}
		for _, role := range roles {
			switch err := checkRoleName(role); {
			case err != nil:
				d.fail(at, "Role name is refused", err.Error())
			case role == publicRole: // whether Neo4j takes it is not documented; it would give nothing
				d.warn(at, "Everybody has PUBLIC", "Group "+group+" maps to PUBLIC, which every user has without it. Name another role, or remove it.")
			case role == "admin":
				d.warn(at, "Group gets every privilege", "Group "+group+" maps to admin: whoever the identity provider puts into that group may do everything in this DBMS.")
			}
		}
	}
}

// checkBrowser warns of a provider that people would look for in vain.
func (d *declaration) checkBrowser() {
	if d.object.Get("params") != nil || d.object.Get("visible") == reconcile.Flag(false) {
		return
	}
	d.warn(d.block.Range, "Browser will not offer this provider", "Neo4j Browser leaves out a provider without params. Set params, or visible = false if only machines use it.")
}
