package neo4j

import "keymaker/reconcile"

// systemName is the first word of the system's blocks and addresses.
const systemName = "neo4j"

// The kinds of object.
const (
	kindRole     = "role"
	kindUser     = "user"
	kindProvider = "oidc_provider"
)

// The roles that stand out among those that Neo4j ships (Operations Manual, "Built-in roles"): every user has PUBLIC, and who has admin may do everything.
const (
	publicRole = "PUBLIC"
	adminRole  = "admin"
)

// Language is Neo4j's part of the spec language. It does no I/O. The zero value is one; one of [NewLanguage] is faster, and not safe for concurrent use.
type Language struct{ lists *privilegeLists }

// NewLanguage makes a Language that remembers the privileges that it read: thousands of roles are often granted the same.
func NewLanguage() Language {
	return Language{newPrivilegeLists()}
}

// System is neo4j.
func (Language) System() string { return systemName }

// Connection describes connection "neo4j". What it leaves out comes from the environment, see [Open].
func (Language) Connection() reconcile.Kind {
	return reconcile.Kind{
		System: systemName,
		Name:   systemName,
		Doc:    "A Neo4j Enterprise DBMS, and what Keymaker may do to make settings outlive a restart.",
		Fields: []reconcile.Field{
			{Name: "uri", Type: reconcile.String, Default: "NEO4J_URI", Doc: "Where the DBMS is: neo4j+s://graph.example.com, or bolt:// for one server, without routing."},
			{Name: "username", Type: reconcile.String, Default: "NEO4J_USERNAME, else neo4j", Doc: "The user that Keymaker logs in as."},
			{Name: "password", Type: reconcile.SecretText, Default: "NEO4J_PASSWORD", Sensitive: true, Doc: "That user's password."},
			{Name: "token", Type: reconcile.SecretText, Default: "NEO4J_TOKEN", Sensitive: true, Doc: "An access token of an OpenID Connect provider that the DBMS knows, to log in with instead of user and password."},
			{Name: "security_log", Type: reconcile.String, Default: "--neo4j-security-log", Doc: "Neo4j's security log, from which drift tells who changed a role or user; relative to the spec's folder. Only Enterprise writes one."},
			{Name: "conf_file", Type: reconcile.String, Default: "KEYMAKER_NEO4J_CONF_FILE", Doc: "The neo4j.conf to keep the settings in; relative to the spec's folder."},
			{Name: "members", Type: reconcile.ListOfType(reconcile.String), Default: "what SHOW SERVERS lists; for one server that of uri", Doc: "Every member, as host:port or bolt URI: settings live in each member's own memory."},
		},
		Blocks: []reconcile.BlockKind{{Kind: restartKind()}},
	}
}

func restartKind() reconcile.Kind {
	return reconcile.Kind{
		System: systemName,
		Name:   "restart",
		Doc:    "How to restart a member when a setting is read at start only. KEYMAKER_MEMBER names the member as host:port.",
		Fields: []reconcile.Field{
			{Name: "command", Type: reconcile.ListOfType(reconcile.String), Required: true, Doc: `The program and its arguments: ["systemctl", "restart", "neo4j"]. No shell reads it.`},
			{Name: "timeout", Type: reconcile.Duration, Default: "2m", Doc: "How long a member may take until it answers again."},
		},
	}
}

// Kinds describes neo4j "role", neo4j "user" and neo4j "oidc_provider".
func (Language) Kinds() []reconcile.Kind {
	return []reconcile.Kind{roleKind(), userKind(), providerKind()}
}

func roleKind() reconcile.Kind {
	return reconcile.Kind{
		System:  systemName,
		Name:    kindRole,
		Ownable: true,
		Doc:     "A role and its privileges.",
		Fields: []reconcile.Field{
			{Name: "name", Type: reconcile.String, Default: "the block's name", Doc: "The role's name: a letter, then letters, digits and underscores."},
			{Name: "grant", Type: reconcile.SetOfType(reconcile.String), Compare: reconcile.AsSet, Doc: `What the role may do, as in GRANT: "MATCH {*} ON GRAPH neo4j".`},
			{Name: "deny", Type: reconcile.SetOfType(reconcile.String), Compare: reconcile.AsSet, Doc: "What the role may not do whatever is granted, as in DENY."},
			{Name: "copy_of", Type: reconcile.Reference(systemName, kindRole, "name"), Once: true, Doc: "The role whose privileges a new role begins with; used when the role is made, and never compared. Not beside grant or deny, which would take them away again."},
		},
		Exports: []reconcile.Export{{Name: "name", Doc: "The role's name.", Field: "name", BlockName: true}},
	}
}

func providerKind() reconcile.Kind {
	return reconcile.Kind{
		System: systemName,
		Name:   kindProvider,
		Doc:    "An OpenID Connect provider: whose tokens Neo4j takes, and which roles the groups in them get.",
		Fields: append(providerInputs(), providerSettings()...),
		Exports: []reconcile.Export{
			{Name: "name", Doc: "The provider's name.", Field: "name", BlockName: true},
		},
	}
}

// providerInputs are the attributes that are no setting of their own.
func providerInputs() []reconcile.Field {
	return []reconcile.Field{
		{Name: "name", Type: reconcile.String, Locates: true, Default: "the block's name", Doc: "The provider's name, as in dbms.security.oidc.<name>.audience: letters, digits, - and _."},
		{Name: "authorization_server", Type: reconcile.Reference("", "authorization_server", "issuer"), Doc: "Who issues the tokens: well_known_discovery_uri and audience follow from it unless they are set."},
		{Name: attrTokenSecrets, Type: reconcile.MapOfType(reconcile.SecretText), Once: true, Doc: "Members of token_params that are secrets, such as client_secret: shown as where they come from, and written to a neo4j.conf that nobody but its owner can read only."},
		{Name: "token_type", Type: reconcile.String, Enum: []string{"access_token", "id_token"}, Doc: "Sets token_type_principal and token_type_authentication of config."},
		{Name: "authentication", Type: reconcile.Bool, Echo: true, Default: "true", Doc: "Whether oidc-<name> is in dbms.security.authentication_providers of every member; declared by the block itself."},
		{Name: "authorization", Type: reconcile.Bool, Echo: true, Default: "true", Doc: "Whether oidc-<name> is in dbms.security.authorization_providers of every member; declared by the block itself."},
		{Name: "conf", Type: reconcile.MapOfType(reconcile.JSON), Compare: reconcile.OwnedKeys, Echo: true, Default: "what the other attributes say", Doc: "The same settings as neo4j.conf has them, so that they outlive a restart; declared by the block itself."},
	}
}

// providerSettings are the attributes that each are one setting, in the order of the settings reference; see settings.go for which.
func providerSettings() []reconcile.Field {
	texts := reconcile.MapOfType(reconcile.String)
	roles := reconcile.MapOfType(reconcile.SetOfType(reconcile.Reference(systemName, kindRole, "name")))
	return []reconcile.Field{
		{Name: "display_name", Type: reconcile.String, Doc: "What people see on the login button. Read at start only."},
		{Name: "visible", Type: reconcile.Bool, Doc: "Whether Neo4j Browser and Bloom offer the provider; false for machines only."},
		{Name: "auth_flow", Type: reconcile.String, Enum: []string{"pkce", "implicit"}, Doc: "How people log in; implicit is deprecated."},
		{Name: "well_known_discovery_uri", Type: reconcile.String, Doc: "Where the provider describes itself. https, or http on this machine."},
		{Name: "auth_endpoint", Type: reconcile.String, Doc: "Overrides what discovery says."},
		{Name: "token_endpoint", Type: reconcile.String, Doc: "Overrides what discovery says."},
		{Name: "jwks_uri", Type: reconcile.String, Doc: "Where the keys are that sign tokens; overrides what discovery says."},
		{Name: "user_info_uri", Type: reconcile.String, Doc: "Overrides what discovery says."},
		{Name: "issuer", Type: reconcile.String, Doc: "What a token's iss has to be, to the character; overrides what discovery says."},
		{Name: "audience", Type: reconcile.SetOfType(reconcile.Reference("", "authorization_server", "audience")), Compare: reconcile.AsSet, Doc: "A token's aud has to hold one of these."},
		{Name: "username_claim", Type: reconcile.String, Doc: "The claim that names the user."},
		{Name: "groups_claim", Type: reconcile.Reference("", "claim", "name"), Doc: "The claim that lists the user's groups."},
		{Name: "username_from_user_info", Type: reconcile.Bool, Doc: "Whether the user's name comes from the user info endpoint and not from the token."},
		{Name: "groups_from_user_info", Type: reconcile.Bool, Doc: "Whether the groups come from the user info endpoint and not from the token."},
		{Name: "group_to_role", Type: roles, Doc: "Which roles the members of a group get. Managed as a whole: a group that is not here gets none."},
		{Name: "params", Type: texts, Doc: "Parameters of the authorization request: client_id, response_type and scope. Without them Browser leaves the provider out."},
		{Name: "auth_params", Type: texts, Doc: "Further parameters of the authorization request."},
		{Name: "token_params", Type: texts, Doc: "Further parameters of the token request."},
		{Name: "config", Type: texts, Doc: "How clients treat tokens: principal, code_challenge_method, token_type_principal, token_type_authentication, implicit_flow_requires_nonce."},
	}
}
