package okta

import "keymaker/reconcile"

// The kinds, as they are spelled in addresses.
const (
	kindApp    = "app"
	kindServer = "authorization_server"
	kindScope  = "scope"
	kindClaim  = "claim"
	kindPolicy = "policy"
	kindRule   = "rule"
)

// The attributes that code asks for by name.
const (
	attrServer    = "authorization_server"
	attrClientID  = "client_id"
	attrLabel     = "label"
	attrName      = "name"
	attrStatus    = "status"
	attrProfile   = "profile"
	attrDPoP      = "dpop_bound_access_tokens"
	attrMethod    = "token_endpoint_auth_method"
	attrGrants    = "grant_types"
	attrClients   = "clients"
	attrScopes    = "scopes"
	attrLifetime  = "access_token_lifetime"
	attrRefresh   = "refresh_token_lifetime"
	attrWindow    = "refresh_token_window"
	attrRuleOrder = "rule_order"
	attrClaimType = "claim_type"
	attrSecret    = "secret"          // where a client secret is delivered: a local matter, the same on both sides
	attrDelivery  = "secret_delivery" // delivered or unfinished
	attrRotation  = "rotation_mode"

	attrPolicyOrder = "policy_order"
	attrNotes       = "notes"
	attrNetwork     = "network"
	attrKey         = "key"          // where the private key is: a local matter, the same on both sides
	attrKeyDelivery = "key_delivery" // delivered, unfinished, unknown to Okta, switched off there, or without its env_file
	attrKeys        = "jwks"
	attrKeysURI     = "jwks_uri"
	attrPublicKey   = "public_key" // a fact of an app whose key is made here

	attrGroups         = "groups"
	attrExcludedGroups = "excluded_groups"
	attrUsers          = "users"
	attrExcludedUsers  = "excluded_users"
)

// Okta's words for what is in use and what is not.
const (
	active   = "ACTIVE"
	inactive = "INACTIVE"
)

const (
	allClients     = "ALL_CLIENTS"
	defaultServer  = "default"
	grantMachine   = "client_credentials"
	everyone       = "EVERYONE"
	delivered      = "delivered"
	unfinished     = "unfinished"
	strangeKey     = "unknown to Okta"
	inactiveKey    = "switched off in Okta"
	noEnvFile      = "without its env_file"
	methodBasic    = "client_secret_basic"
	methodPost     = "client_secret_post"
	methodJWT      = "client_secret_jwt"
	methodKey      = "private_key_jwt"
	methodNone     = "none"
	formatEnv      = "env"
	formatJSON     = "json"
	claimResource  = "RESOURCE"
	claimIdentity  = "IDENTITY"
	valueExpr      = "EXPRESSION"
	valueGroups    = "GROUPS"
	valueSystem    = "SYSTEM" // of claims that Okta fills itself
	consentNeeded  = "REQUIRED"
	consentImplied = "IMPLICIT"
)

func connectionKind() reconcile.Kind {
	return reconcile.Kind{System: systemName, Name: systemName, Doc: "The Okta org, and the credentials to manage it with.", Fields: []reconcile.Field{
		{Name: "org_url", Type: reconcile.String, Doc: "Address of the org, https://example.okta.com.", Default: "OKTA_CLIENT_ORGURL"},
		{Name: "token", Type: reconcile.SecretText, Doc: "API token, or with authorization_mode Bearer an OAuth access token.", Default: "OKTA_CLIENT_TOKEN"},
		{Name: "authorization_mode", Type: reconcile.String, Enum: []string{modeSSWS, modeBearer, modeKey}, Doc: "How requests are authorized.", Default: "OKTA_CLIENT_AUTHORIZATIONMODE, else SSWS"},
		{Name: "client_id", Type: reconcile.String, Doc: "Client id of the management app, for PrivateKey.", Default: "OKTA_CLIENT_CLIENTID"},
		{Name: "private_key", Type: reconcile.SecretText, Doc: "RSA private key of the management app as PEM, for PrivateKey.", Default: "OKTA_CLIENT_PRIVATEKEY (a PEM text or a path)"},
		{Name: "private_key_id", Type: reconcile.String, Doc: "The key's kid, for PrivateKey.", Default: "OKTA_CLIENT_PRIVATEKEYID"},
		{Name: "scopes", Type: reconcile.SetOfType(reconcile.String), Doc: "Management scopes to ask for, for PrivateKey.", Default: "OKTA_CLIENT_SCOPES, else what the command needs: the two to read, and the two to manage when something is written"},
	}}
}

func statusField(doc string) reconcile.Field {
	return reconcile.Field{Name: attrStatus, Type: reconcile.String, Enum: []string{active, inactive}, Doc: doc}
}

func serverField() reconcile.Field {
	return reconcile.Field{Name: attrServer, Type: reconcile.Reference(systemName, kindServer, "id"), Locates: true, Default: defaultServer,
		Doc: "The authorization server that holds it."}
}

func appKind() reconcile.Kind {
	return reconcile.Kind{
		System: systemName, Name: kindApp, Ownable: true,
		Watches: []reconcile.Watch{
			{Name: watchSecrets, Doc: "Client secrets that somebody made and that are still in use, as the System Log tells."},
			{Name: watchClaims, Doc: "Claims in its access tokens that no block declares."},
			{Name: watchPolicies, Doc: "Access policies for it that no block declares and that come before the declared ones."},
		},
		Doc: "An API Services app: an OAuth client for machines, with client credentials and without DPoP.",
		Fields: []reconcile.Field{
			{Name: attrLabel, Type: reconcile.String, Doc: "Name shown in Okta.", Default: "the block's name"},
			{Name: attrClientID, Type: reconcile.String, Doc: "Chosen client id. It can be chosen when the app is made and never changed; it also says which of several apps with one label is meant.", Default: "Okta chooses"},
			statusField("ACTIVE or INACTIVE; an inactive app gets no tokens, and those it had stop working."),
			{Name: attrMethod, Type: reconcile.String, Enum: []string{methodBasic, methodPost, methodJWT, methodKey, methodNone}, Doc: "How the client authenticates.", Default: "not managed; client_secret_basic at create"},
			{Name: attrGrants, Type: reconcile.SetOfType(reconcile.String), Compare: reconcile.AsSet, Doc: "OAuth grants the app may use.", Default: "not managed; client_credentials at create"},
			{Name: attrDPoP, Type: reconcile.Bool, Doc: "Whether tokens are bound to a key of the client (DPoP). Neo4j takes no such token.", Default: "false, and managed"},
			{Name: attrProfile, Type: reconcile.JSON, Compare: reconcile.OwnedKeys, Doc: "Attributes of the app's profile. Only the keys named are managed."},
			{Name: attrKeys, Type: reconcile.JSON, Doc: "Public keys of the client, as a JWK set, for private_key_jwt."},
			{Name: attrKeysURI, Type: reconcile.String, Doc: "Where Okta fetches the client's public keys, for private_key_jwt."},
			{Name: "consent_method", Type: reconcile.String, Enum: []string{"TRUSTED", consentNeeded}, Doc: "Whether users are asked."},
			{Name: "issuer_mode", Type: reconcile.String, Enum: issuerModes(), Doc: "Which of the org's URLs the org's own tokens name."},
			{Name: attrNotes, Type: reconcile.JSON, Compare: reconcile.OwnedKeys, Doc: "Notes on the app: admin for administrators, enduser for users. Only the keys named are managed."},
			{Name: attrNetwork, Type: reconcile.JSON, Compare: reconcile.OwnedKeys, Doc: "From where tokens may be asked for: connection ANYWHERE or ZONE, and ids of network zones in include or exclude. Only the keys named are managed."},
			{Name: attrSecret, Type: reconcile.JSON, Doc: "Where a new client secret is delivered; it follows from the secret block, and cannot be set."},
			{Name: attrDelivery, Type: reconcile.String, Doc: "Whether a client secret still waits to be delivered; it follows from the secret block, and cannot be set."},
			{Name: attrKey, Type: reconcile.JSON, Doc: "Where the private key is; it follows from the key block, and cannot be set."},
			{Name: attrKeyDelivery, Type: reconcile.String, Doc: "Whether Okta knows the key in the file; it follows from the key block, and cannot be set."},
		},
		Blocks: []reconcile.BlockKind{{Kind: secretKind()}, {Kind: keyKind()}},
		Exports: []reconcile.Export{
			{Name: attrClientID, Field: attrClientID, Doc: "The client id, which is also the subject of its tokens."},
			{Name: "id", Doc: "Okta's id of the app."},
			{Name: attrLabel, Field: attrLabel, BlockName: true, Doc: "The app's name."},
		},
	}
}

func secretKind() reconcile.Kind {
	return reconcile.Kind{System: systemName, Name: attrSecret, Doc: "Where a new client secret is delivered.", Fields: []reconcile.Field{
		{Name: "file", Type: reconcile.String, Required: true, Doc: "File that receives it, relative to the spec's folder."},
		{Name: "format", Type: reconcile.String, Enum: []string{formatEnv, formatJSON}, Doc: "Lines of NAME=value, or a JSON object.", Default: formatEnv},
		{Name: "env", Type: reconcile.String, Doc: "Environment variable in which verify finds the secret where the file is not."},
	}}
}

func keyKind() reconcile.Kind {
	return reconcile.Kind{System: systemName, Name: attrKey, Doc: "A private key for private_key_jwt, made here when the file is missing. Okta gets its public half only.", Fields: []reconcile.Field{
		{Name: "file", Type: reconcile.String, Required: true, Doc: "PEM file of the RSA key, relative to the spec's folder."},
		{Name: "algorithm", Type: reconcile.String, Enum: keyAlgorithms(), Doc: "What the client signs with.", Default: "RS256"},
		{Name: "env", Type: reconcile.String, Doc: "Environment variable in which verify finds the PEM text where the file is not."},
		{Name: "env_file", Type: reconcile.String, Doc: "File that receives what a client needs beside the key, as lines of NAME=value: the client id, the key's path and id, the scopes."},
	}}
}

func keyAlgorithms() []string { return []string{"RS256", "RS384", "RS512"} }

func issuerModes() []string { return []string{"ORG_URL", "CUSTOM_URL", "DYNAMIC"} }

func serverKind() reconcile.Kind {
	return reconcile.Kind{
		System: systemName, Name: kindServer, Implicit: true,
		Doc: "A custom authorization server, which issues tokens. One that exists, such as default, needs no block.",
		Fields: []reconcile.Field{
			{Name: attrName, Type: reconcile.String, Doc: "Its name.", Default: "the block's name"},
			{Name: "description", Type: reconcile.String, Doc: "What it is for."},
			{Name: "audiences", Type: reconcile.SetOfType(reconcile.String), Compare: reconcile.AsSet, Doc: "The audience of its tokens; exactly one.", Default: "not managed; api://NAME at create"},
			{Name: "issuer_mode", Type: reconcile.String, Enum: issuerModes(), Doc: "Which of the org's URLs its tokens name."},
			statusField("ACTIVE or INACTIVE."),
			{Name: attrRotation, Type: reconcile.String, Enum: []string{"AUTO", "MANUAL"}, Doc: "Who rotates its signing keys."},
			{Name: attrPolicyOrder, Type: reconcile.ListOfType(reconcile.Reference(systemName, kindPolicy, attrName)), Compare: reconcile.Relative,
				Doc: "Names of policies in the order in which Okta tries them. Others may stand anywhere between."},
		},
		Exports: []reconcile.Export{
			{Name: "id", Doc: "Okta's id of the server."},
			{Name: attrName, Field: attrName, BlockName: true, Doc: "Its name."},
			{Name: "issuer", Doc: "The issuer that its tokens name."},
			{Name: "audience", Doc: "The audience of its tokens."},
		},
	}
}

func scopeKind() reconcile.Kind {
	return reconcile.Kind{
		System: systemName, Name: kindScope, Ownable: true, Doc: "A scope that clients may ask a token for.",
		Fields: []reconcile.Field{
			serverField(),
			{Name: attrName, Type: reconcile.String, Doc: "The scope.", Default: "the block's name"},
			{Name: "display_name", Type: reconcile.String, Doc: "Name shown to users."},
			{Name: "description", Type: reconcile.String, Doc: "What it gives."},
			{Name: "consent", Type: reconcile.String, Enum: []string{consentImplied, "FLEXIBLE", consentNeeded}, Doc: "Whether users are asked."},
			{Name: "metadata_publish", Type: reconcile.String, Enum: []string{allClients, "NO_CLIENTS"}, Doc: "Whether the discovery document names it."},
			{Name: "default", Type: reconcile.Bool, Doc: "Granted when a request names no scope."},
			{Name: "optional", Type: reconcile.Bool, Doc: "Users may decline it."},
		},
		Exports: []reconcile.Export{{Name: attrName, Field: attrName, BlockName: true, Doc: "The scope."}, {Name: "id", Doc: "Okta's id of the scope."}},
	}
}

func claimKind() reconcile.Kind {
	return reconcile.Kind{
		System: systemName, Name: kindClaim, Ownable: true, Doc: "A claim in the tokens of an authorization server.",
		Fields: []reconcile.Field{
			serverField(),
			{Name: attrName, Type: reconcile.String, Doc: "The claim.", Default: "the block's name"},
			{Name: "claim_type", Type: reconcile.String, Enum: []string{claimResource, claimIdentity}, Locates: true, Doc: "RESOURCE for access tokens, IDENTITY for ID tokens.", Default: claimResource},
			{Name: "value_type", Type: reconcile.String, Enum: []string{valueExpr, valueGroups}, Doc: "How value is read.", Default: "not managed; EXPRESSION at create"},
			{Name: "value", Type: reconcile.String, Required: true, Doc: "An expression in Okta's language, app.profile.neo4j_groups; with value_type GROUPS the text to look for."},
			{Name: "group_filter_type", Type: reconcile.String, Enum: []string{"STARTS_WITH", "EQUALS", "CONTAINS", "REGEX"}, Doc: "How GROUPS looks for value."},
			{Name: attrScopes, Type: reconcile.SetOfType(reconcile.Reference(systemName, kindScope, attrName)), Compare: reconcile.AsSet, Doc: "The claim comes with one of these scopes; none is any."},
			statusField("ACTIVE or INACTIVE."),
			{Name: "always_include_in_token", Type: reconcile.Bool, Doc: "For ID tokens: in the token, not only in the user info."},
		},
		Exports: []reconcile.Export{{Name: attrName, Field: attrName, BlockName: true, Doc: "The claim."}, {Name: "id", Doc: "Okta's id of the claim."}},
	}
}

func policyKind() reconcile.Kind {
	return reconcile.Kind{
		System: systemName, Name: kindPolicy, Ownable: true,
		Watches: []reconcile.Watch{{Name: watchRules, Doc: "Rules that no block declares and that decide before a declared one."}},
		Doc:     "An access policy: which clients its rules are for.",
		Fields: []reconcile.Field{
			serverField(),
			{Name: attrName, Type: reconcile.String, Doc: "Its name.", Default: "the block's name"},
			{Name: "description", Type: reconcile.String, Doc: "What it is for.", Default: "not managed; the name at create"},
			{Name: attrClients, Type: reconcile.SetOfType(reconcile.Reference(systemName, kindApp, attrClientID)), Compare: reconcile.AsSet, Doc: "The clients it is for, or ALL_CLIENTS."},
			statusField("ACTIVE or INACTIVE."),
			{Name: attrRuleOrder, Type: reconcile.ListOfType(reconcile.String), Compare: reconcile.Relative, Doc: "The order of the rule blocks; it follows from where they stand, and cannot be set."},
		},
		Blocks: []reconcile.BlockKind{{Kind: ruleKind(), Labeled: true, Many: true}},
		Exports: []reconcile.Export{
			{Name: attrName, Field: attrName, BlockName: true, Doc: "Its name."}, {Name: "id", Doc: "Okta's id of the policy."},
		},
	}
}

func ruleKind() reconcile.Kind {
	return reconcile.Kind{
		System: systemName, Name: kindRule, Doc: "A rule: which grants and scopes, and for how long. The first rule that fits decides.",
		Fields: []reconcile.Field{
			{Name: attrScopes, Type: reconcile.SetOfType(reconcile.Reference(systemName, kindScope, attrName)), Compare: reconcile.AsSet, Required: true, Doc: "Scopes it gives, or *."},
			{Name: attrGrants, Type: reconcile.SetOfType(reconcile.String), Compare: reconcile.AsSet, Doc: "Grants it is for.", Default: "not managed; client_credentials at create"},
			{Name: attrLifetime, Type: reconcile.Duration, Doc: "How long access tokens live: whole minutes, 5m to 24h.", Default: "not managed; 1h at create"},
			{Name: attrRefresh, Type: reconcile.Duration, Doc: "How long refresh tokens live; 0s is without end."},
			{Name: attrWindow, Type: reconcile.Duration, Doc: "How long a refresh token lives unused."},
			{Name: attrGroups, Type: reconcile.SetOfType(reconcile.String), Compare: reconcile.AsSet, Doc: "For grants of users: ids of the groups it is for, or EVERYONE.", Default: "not managed; EVERYONE at create where a grant of users needs it"},
			{Name: attrExcludedGroups, Type: reconcile.SetOfType(reconcile.String), Compare: reconcile.AsSet, Doc: "Ids of groups it is not for."},
			{Name: attrUsers, Type: reconcile.SetOfType(reconcile.String), Compare: reconcile.AsSet, Doc: "For grants of users: ids of the users it is for."},
			{Name: attrExcludedUsers, Type: reconcile.SetOfType(reconcile.String), Compare: reconcile.AsSet, Doc: "Ids of users it is not for."},
			statusField("ACTIVE or INACTIVE. With INACTIVE grant_types has to be written too."),
		},
	}
}
