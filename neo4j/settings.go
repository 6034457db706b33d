package neo4j

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// The settings that list providers, in the order in which they are asked. Both are read at start only.
const (
	authenticationProviders = "dbms.security.authentication_providers"
	authorizationProviders  = "dbms.security.authorization_providers"
	requireLocalUser        = "dbms.security.require_local_user"
	oidcPrefix              = "dbms.security.oidc."
)

// form is how a setting's text is to be understood.
type form uint8

const (
	formText    form = iota
	formFlow         // a text whose case does not count
	formBool         // Flag
	formList         // Set of Text
	formMap          // Map of Text
	formMapping      // Map of Set of Text
)

// providerSetting ties an attribute of an oidc_provider to its setting.
type providerSetting struct {
	attr, suffix string
	form         form
	uri          bool // checked by CheckURI
	// static settings are read at start only. Where a server lists the setting, what it says of it counts instead.
	static bool
	// hidden settings may be missing from SHOW SETTINGS although they are set: neo4j.conf is then taken at its word.
	hidden bool
}

// settingsTable follows the settings reference of the Operations Manual ("OpenID Connect configuration settings"), the same in 5.26 and 2026. visible
// is not in that reference; it is taken to be static, which is right either way (a restart applies it too), and to be possibly hidden.
func settingsTable() []providerSetting {
	return []providerSetting{
		{attr: "display_name", suffix: "display_name", static: true},
		{attr: "visible", suffix: "visible", form: formBool, static: true, hidden: true},
		{attr: "auth_flow", suffix: "auth_flow", form: formFlow},
		{attr: "well_known_discovery_uri", suffix: "well_known_discovery_uri", uri: true},
		{attr: "auth_endpoint", suffix: "auth_endpoint", uri: true},
		{attr: "token_endpoint", suffix: "token_endpoint", uri: true},
		{attr: "jwks_uri", suffix: "jwks_uri", uri: true},
		{attr: "user_info_uri", suffix: "user_info_uri", uri: true},
		{attr: "issuer", suffix: "issuer"},
		{attr: "audience", suffix: "audience", form: formList},
		{attr: "username_claim", suffix: "claims.username"},
		{attr: "groups_claim", suffix: "claims.groups"},
		{attr: "username_from_user_info", suffix: "get_username_from_user_info", form: formBool},
		{attr: "groups_from_user_info", suffix: "get_groups_from_user_info", form: formBool},
		{attr: "params", suffix: "params", form: formMap},
		{attr: "auth_params", suffix: "auth_params", form: formMap},
		{attr: "token_params", suffix: "token_params", form: formMap},
		{attr: "config", suffix: "config", form: formMap},
		// Last, so that nobody gets a role before the rest of the provider is what the spec says.
		{attr: "group_to_role", suffix: "authorization.group_to_role_mapping", form: formMapping},
	}
}

// key is the setting's full name.
func (s providerSetting) key(provider string) string { return oidcPrefix + provider + "." + s.suffix }

// providerEntry is how the provider lists name a provider.
func providerEntry(provider string) string { return "oidc-" + provider }

// parse makes a setting's text a value. A text that does not parse stays a Text, which is equal to nothing that a spec can want.
func (f form) parse(text string) reconcile.Value {
	switch f {
	case formFlow:
		return reconcile.Text(strings.ToLower(strings.TrimSpace(text)))
	case formBool:
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true":
			return reconcile.Flag(true)
		case "false":
			return reconcile.Flag(false)
		}
	case formList:
		return reconcile.TextSet(ParseSettingList(text)...)
	case formMap:
		if m, err := ParseSettingMap(text); err == nil {
			return textMap(m)
		}
	case formMapping:
		if m, err := ParseRoleMapping(text); err == nil {
			return mappingValue(m)
		}
	}
	return reconcile.Text(text)
}

// empty is what an unset setting of a collection holds; nil for the other forms, of which unset is absent.
func (f form) empty() reconcile.Value {
	switch f {
	case formList:
		return reconcile.SetOf()
	case formMap, formMapping:
		return reconcile.Map{}
	}
	return nil
}

// settingText writes a known value as a setting's text. The value's type tells the format; an empty collection is the empty text.
func settingText(v reconcile.Value) (string, error) {
	switch v := v.(type) {
	case reconcile.Text:
		if strings.ContainsAny(string(v), "\r\n") {
			return "", fmt.Errorf("a setting cannot hold a line break")
		}
		return string(v), nil
	case reconcile.Flag, reconcile.Number:
		return v.String(), nil
	case reconcile.Set, reconcile.List:
		texts, err := knownTexts(v)
		if err != nil {
			return "", err
		}
		return PrintSettingList(texts)
	case reconcile.Map:
		return mapText(v)
	}
	return "", fmt.Errorf("%s is not known", v)
}

func mapText(m reconcile.Map) (string, error) {
	texts := make(map[string]string, len(m))
	mapping := make(RoleMapping, len(m))
	for k, member := range m {
		switch member := member.(type) {
		case reconcile.Text:
			texts[k] = string(member)
		case reconcile.Flag, reconcile.Number:
			texts[k] = member.String()
		case reconcile.Set, reconcile.List:
			roles, err := knownTexts(member)
			if err != nil {
				return "", err
			}
			mapping[k] = roles
		default:
			return "", fmt.Errorf("%s of %s is not known", member, k)
		}
	}
	switch {
	case len(mapping) > 0 && len(texts) > 0:
		return "", fmt.Errorf("a map of texts and of lists at once")
	case len(mapping) > 0:
		return mapping.Print()
	}
	return PrintSettingMap(texts)
}

func knownTexts(v reconcile.Value) ([]string, error) {
	texts := reconcile.Texts(v)
	if len(texts) != len(reconcile.Members(v)) {
		return nil, fmt.Errorf("%s is not known", v)
	}
	return texts, nil
}

// showSetting is settingText for people: what is not known yet stands as ${address.attribute}.
func showSetting(v reconcile.Value) string {
	placeholder := func(r reconcile.Ref) (reconcile.Value, bool) {
		return reconcile.Text("${" + r.Addr.String() + "." + r.Attr + "}"), true
	}
	text, err := settingText(reconcile.Resolve(v, placeholder))
	if err != nil {
		return v.String()
	}
	return text
}

func textMap(m map[string]string) reconcile.Map {
	out := make(reconcile.Map, len(m))
	for k, v := range m {
		out[k] = reconcile.Text(v)
	}
	return out
}

func mappingValue(m RoleMapping) reconcile.Map {
	out := make(reconcile.Map, len(m))
	for group, roles := range m {
		out[group] = reconcile.TextSet(roles...)
	}
	return out
}

// mappingOf reads a group_to_role attribute, leaving out roles whose names are not known yet.
func mappingOf(v reconcile.Value) RoleMapping {
	m, _ := v.(reconcile.Map)
	out := make(RoleMapping, len(m))
	for group, roles := range m {
		out[group] = uniqueSorted(reconcile.Texts(roles))
	}
	return out
}

// isEmpty says whether a value is a collection without members.
func isEmpty(v reconcile.Value) bool {
	switch v := v.(type) {
	case reconcile.Set:
		return len(v) == 0
	case reconcile.List:
		return len(v) == 0
	case reconcile.Map:
		return len(v) == 0
	}
	return false
}

// sortedKeys lists a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
