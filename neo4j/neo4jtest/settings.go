package neo4jtest

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

const (
	oidcPrefix     = "dbms.security.oidc."
	providerPrefix = "oidc-"

	settingAuthEnabled    = "dbms.security.auth_enabled"
	settingAuthentication = "dbms.security.authentication_providers"
	settingAuthorization  = "dbms.security.authorization_providers"
	settingLocalUser      = "dbms.security.require_local_user"
	settingCacheTTL       = "dbms.security.auth_cache_ttl"
	settingCacheUseTTL    = "dbms.security.auth_cache_use_ttl"
	settingMaxFailures    = "dbms.security.auth_max_failed_attempts"
	settingLockTime       = "dbms.security.auth_lock_time"
	settingMinimumLength  = "dbms.security.auth_minimum_password_length"
	settingLogClaims      = "dbms.security.logs.oidc.jwt_claims_at_debug_level_enabled"
	settingStrict         = "server.config.strict_validation.enabled"
	settingLanguage       = "db.query.default_language"
	settingDefaultDB      = "initial.dbms.default_database"
)

// settingDef declares a setting. An unset one without a default is null.
type settingDef struct {
	name        string
	kind        valueKind
	dynamic     bool
	fallback    *string // default value as written, nil for none
	description string
	deprecated  bool
	least       string // the smallest value, "" for none
	enterprise  bool   // Community Edition does not list it
}

// oidcSuffixes are the settings of one provider (docs: Configuration settings, OIDC settings). visible is missing from that page and used by the guides; it is
// taken for static.
var oidcSuffixes = []settingDef{
	{name: "audience", kind: fullListValue, dynamic: true, description: "Expected values of the Audience (aud) claim in the id token."},
	{name: "auth_endpoint", kind: uriValue, dynamic: true, description: "The OIDC authorization endpoint. If this is not supplied Neo4j will attempt to discover it from the well_known_discovery_uri."},
	{name: "auth_flow", kind: flowValue, dynamic: true, fallback: text("PKCE"), description: "The OIDC flow to use. This is exposed to clients via the discovery endpoint."},
	{name: "auth_params", kind: mapValue(nil), dynamic: true, fallback: text(""), deprecated: true, description: "Optional additional parameters that the auth endpoint requires."},
	{name: "authorization.group_to_role_mapping", kind: mappingValue, dynamic: true, description: "An authorization mapping from IdP group names to Neo4j role names."},
	{name: "claims.groups", kind: textValue, dynamic: true, description: "The claim to use as the list of groups in Neo4j."},
	{name: "claims.username", kind: textValue, dynamic: true, fallback: text("sub"), description: "The claim to use as the username in Neo4j."},
	{name: "client_id", kind: textValue, dynamic: true, deprecated: true, description: "Client id needed if token contains multiple Audience (aud) claims."},
	{name: "config", kind: mapValue([]string{"principal", "code_challenge_method", "token_type_principal", "token_type_authentication", "implicit_flow_requires_nonce"}), dynamic: true, fallback: text(""), description: "The accepted values (all optional) are: principal, code_challenge_method, token_type_principal, token_type_authentication, implicit_flow_requires_nonce."},
	{name: "display_name", kind: textValue, description: "The user-facing name of the provider as provided by the discovery endpoint to clients."},
	{name: "get_groups_from_user_info", kind: boolValue, dynamic: true, fallback: text("false"), description: "When turned on, Neo4j gets the groups from the provider user info endpoint."},
	{name: "get_username_from_user_info", kind: boolValue, dynamic: true, fallback: text("false"), description: "When turned on, Neo4j gets the username from the provider user info endpoint."},
	{name: "issuer", kind: textValue, dynamic: true, description: "The expected value of the iss claim in the id token."},
	{name: "jwks_uri", kind: uriValue, dynamic: true, description: "The location of the JWK public key set for the identity provider."},
	{name: "params", kind: mapValue(nil, "client_id", "response_type", "scope"), dynamic: true, description: "The map is a semicolon separated list of key-value pairs."},
	{name: "token_endpoint", kind: uriValue, dynamic: true, description: "The OIDC token endpoint."},
	{name: "token_params", kind: mapValue(nil), dynamic: true, fallback: text(""), description: "Optional query parameters that the token endpoint requires."},
	{name: "user_info_uri", kind: uriValue, dynamic: true, description: "The identity providers user info uri."},
	{name: "visible", kind: boolValue, fallback: text("true"), description: "Whether the provider is shown to clients by the discovery endpoint."},
	{name: "well_known_discovery_uri", kind: uriValue, dynamic: true, description: "The URI that the provider's metadata is read from."},
}

func text(s string) *string { return &s }

// securitySettings are the settings under dbms.security that no provider owns.
func securitySettings(d dialect) []settingDef {
	defs := []settingDef{
		{name: settingAuthEnabled, kind: boolValue, fallback: text("true"), description: "Enable auth requirement to access Neo4j."},
		{name: settingAuthentication, enterprise: true, kind: fullListValue, fallback: text("native"), description: "A list of security authentication providers containing the users and roles."},
		{name: settingAuthorization, enterprise: true, kind: fullListValue, fallback: text("native"), description: "A list of security authorization providers containing the users and roles."},
		{name: settingLocalUser, enterprise: true, kind: boolValue, fallback: text("false"), description: "Whether externally authenticated users need a user in Neo4j."},
		{name: settingCacheTTL, enterprise: true, kind: durationValue, fallback: text("10m"), description: "The time to live (TTL) for cached authentication and authorization info."},
		{name: settingCacheUseTTL, enterprise: true, kind: boolValue, fallback: text("true"), description: "Enable time-based eviction of the authentication and authorization info cache."},
		{name: "dbms.security.auth_cache_max_capacity", enterprise: true, kind: intValue, fallback: text("10000"), description: "The maximum capacity for authentication and authorization caches (respectively)."},
		{name: settingMaxFailures, kind: intValue, least: "0", fallback: text("3"), description: "The maximum number of unsuccessful authentication attempts before imposing a user lock for the configured amount of time."},
		{name: settingLockTime, kind: durationValue, least: "0s", fallback: text("5s"), description: "The amount of time user account should be locked after a configured number of unsuccessful authentication attempts."},
		{name: settingMinimumLength, kind: intValue, least: "1", fallback: text("8"), description: "The minimum number of characters required in a password."},
		{name: settingLogSuccess, enterprise: true, kind: boolValue, fallback: text("true"), description: "Set to log successful authentication events to the security log."},
		{name: settingLogClaims, enterprise: true, kind: boolValue, fallback: text("false"), description: "When set to true, will log the claims from the JWT token at DEBUG level in the security log."},
		{name: "dbms.security.http_auth_allowlist", kind: listValue, fallback: text("/,/browser.*"), description: "Defines an allowlist of http paths where Neo4j authentication is not required."},
		{name: "dbms.security.http_access_control_allow_origin", kind: textValue, fallback: text("*"), description: "Value of the Access-Control-Allow-Origin header."},
		{name: "dbms.security.http_static_content_security_policy_header", kind: textValue, fallback: text(contentPolicy), description: "The `Content-Security-Policy` header of static content."},
		{name: "dbms.security.http_strict_transport_security", kind: textValue, description: "Value of the HTTP Strict-Transport-Security (HSTS) response header."},
		{name: "dbms.security.procedures.allowlist", kind: listValue, fallback: text("*"), description: "A list of procedures that are to be loaded."},
		{name: "dbms.security.procedures.unrestricted", kind: listValue, fallback: text(""), description: "A list of procedures and user defined functions that are allowed full access to the database."},
		{name: "dbms.security.allow_csv_import_from_file_urls", kind: boolValue, fallback: text("true"), description: "Determines if Cypher will allow using file URLs when loading data using LOAD CSV."},
		{name: "dbms.security.cluster_status_auth_enabled", enterprise: true, kind: boolValue, fallback: text("true"), description: "Require authorization for access to the Causal Clustering status endpoints."},
		{name: "dbms.security.ldap.authorization.group_to_role_mapping", enterprise: true, kind: mappingValue, dynamic: true, description: "An authorization mapping from LDAP group names to Neo4j role names."},
	}
	if d.calendar {
		defs = append(defs,
			settingDef{name: "dbms.security.tls_reload_enabled", enterprise: true, kind: boolValue, fallback: text("false"), description: "Enables reloading of TLS certificates."},
			settingDef{name: "dbms.security.allow_oidc_credential_forwarding_enabled", enterprise: true, kind: boolValue, fallback: text("false"), description: "Enable forwarding of OIDC credentials."},
			settingDef{name: "dbms.security.abac.authorization_providers", enterprise: true, kind: listValue, fallback: text(""), description: "A list of providers whose attributes auth rules may use."})
	}
	return defs
}

// contentPolicy is a default (seen on Neo4j 5.26 and 2026.08 Community).
const contentPolicy = "default-src 'self'; script-src 'self' cdn.segment.com canny.io; img-src 'self' guides.neo4j.com data:; style-src 'self' fonts.googleapis.com 'unsafe-inline'; " +
	"font-src 'self' fonts.gstatic.com; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; connect-src 'self' api.canny.io api.segment.io ws: wss: http: https:"

// valid says which values the setting takes, in servers' words (seen on Neo4j 5.26 and 2026.08 Community).
func (d settingDef) valid() string {
	if d.least == "" {
		return d.kind.valid + "."
	}
	return d.kind.valid + " that is minimum `" + d.least + "`."
}

// otherSettings are well-known settings beside security: name, default ("-" for null), kind letter, "+" when dynamic.
const otherSettings = `
server.config.strict_validation.enabled true b|server.default_listen_address localhost t|server.default_advertised_address localhost t
server.bolt.enabled true b|server.bolt.listen_address :7687 t|server.bolt.advertised_address :7687 t|server.bolt.tls_level DISABLED t
server.bolt.connection_keep_alive 1m d|server.bolt.thread_pool_max_size 400 i|server.bolt.thread_pool_min_size 5 i|server.bolt.ocsp_stapling_enabled false b
server.http.enabled true b|server.http.listen_address :7474 t|server.http.advertised_address :7474 t
server.https.enabled false b|server.https.listen_address :7473 t|server.https.advertised_address :7473 t
server.directories.data data t|server.directories.import - t|server.directories.logs logs t|server.directories.plugins plugins t
server.directories.lib lib t|server.directories.run run t|server.directories.licenses licenses t|server.directories.neo4j_home - t
server.directories.certificates - t|server.directories.transaction.logs.root data/transactions t|server.directories.dumps.root data/dumps t
server.memory.heap.initial_size - t|server.memory.heap.max_size - t|server.memory.pagecache.size - t|server.memory.off_heap.transaction_max_size 2.00GiB t
server.metrics.enabled true b|server.metrics.csv.enabled true b|server.metrics.prometheus.enabled false b|server.metrics.prometheus.endpoint localhost:2004 t
server.metrics.filter *bolt* l|server.metrics.prefix neo4j t|server.jvm.additional - t|server.logs.config conf/server-logs.xml t
server.logs.user.config conf/user-logs.xml t|server.logs.debug.enabled true b|server.logs.gc.enabled false b|server.unmanaged_extension_classes - t
server.backup.enabled true b|server.backup.listen_address 127.0.0.1:6362 t|server.cluster.listen_address :6000 t|server.cluster.advertised_address :6000 t
server.routing.listen_address :7688 t|server.routing.advertised_address :7688 t|server.cluster.raft.listen_address :7000 t|server.cluster.raft.advertised_address :7000 t
server.discovery.listen_address :5000 t|server.discovery.advertised_address :5000 t|server.panic.shutdown_on_panic false b|server.databases.default_to_read_only false b+
server.threads.worker_count - i|server.groups - l+|server.windows_service_name neo4j t|server.db.query_cache_size 1000 i|server.dynamic.setting.allowlist * l
server.cluster.system_database_mode PRIMARY t|server.cluster.network.native_transport_enabled true b|server.http_enabled_modules TRANSACTIONAL_ENDPOINTS t
dbms.routing.enabled true b|dbms.routing.default_router SERVER t|dbms.routing.client_side.enforce_for_domains - l+|dbms.routing_ttl 5m d
dbms.cluster.discovery.endpoints - l|dbms.cluster.endpoints - l|dbms.cluster.discovery.resolver_type LIST t|dbms.cluster.minimum_initial_system_primaries_count 3 i
dbms.ssl.policy.bolt.enabled false b|dbms.ssl.policy.bolt.base_directory - t|dbms.ssl.policy.bolt.private_key - t|dbms.ssl.policy.bolt.public_certificate - t
dbms.ssl.policy.bolt.client_auth - t|dbms.ssl.policy.https.enabled false b|dbms.ssl.policy.https.base_directory - t|dbms.ssl.policy.https.private_key - t
dbms.ssl.policy.https.public_certificate - t|dbms.ssl.policy.https.client_auth - t|dbms.ssl.policy.cluster.enabled false b|dbms.ssl.policy.cluster.base_directory - t
dbms.cypher.forbid_exhaustive_shortestpath false b|dbms.cypher.hints_error false b|dbms.cypher.lenient_create_relationship false b|dbms.cypher.planner DEFAULT t
dbms.cypher.min_replan_interval 10s d|dbms.cypher.render_plan_description false b+|dbms.cypher.statistics_divergence_threshold 0.75 t
dbms.databases.seed_from_uri_providers - l|dbms.db.timezone UTC t|dbms.import.csv.buffer_size 2097152 t|dbms.import.csv.legacy_quote_escaping true b
dbms.max_databases 100 i|dbms.memory.tracking.enable true b|dbms.memory.transaction.total.max - t+|dbms.netty.ssl.provider JDK t|dbms.usage_report.enabled true b
dbms.logs.query.enabled VERBOSE t+|dbms.logs.http.enabled false b|dbms.logs.query.threshold 0s d+|dbms.logs.query.parameter_logging_enabled true b+
dbms.logs.query.obfuscate_literals false b+|dbms.logs.query.early_raw_logging_enabled false b+|dbms.logs.query.max_parameter_length 2147483647 i+
dbms.shutdown_transaction_end_timeout 10s d+|db.transaction.timeout 0s d+|db.transaction.concurrent.maximum 1000 i+|db.transaction.bookmark_ready_timeout 30s d+
db.transaction.monitor.check.interval 2s d|db.transaction.sampling_percentage 5 i+|db.transaction.tracing.level DISABLED t+|db.lock.acquisition.timeout 0s d+
db.checkpoint PERIODIC t|db.checkpoint.interval.time 15m d|db.checkpoint.interval.tx 100000 i|db.checkpoint.interval.volume 250.00MiB t|db.checkpoint.iops.limit 600 i+
db.cluster.catchup.pull_interval 1s d|db.filewatcher.enabled true b|db.format block t+|db.logs.query.enabled VERBOSE t+|db.logs.query.threshold 0s d+
db.logs.query.parameter_logging_enabled true b+|db.logs.query.obfuscate_literals false b+|db.logs.query.transaction.enabled OFF t+|db.memory.pagecache.warmup.enable true b
db.memory.transaction.max 0B t+|db.memory.transaction.total.max 0B t+|db.recovery.fail_on_missing_files true b|db.relationship_grouping_threshold 50 i
db.temporal.timezone - t+|db.track_query_cpu_time false b+|db.tx_log.rotation.retention_policy 2 t+|db.tx_log.rotation.size 256.00MiB t+
db.tx_log.preallocate true b+|db.tx_log.buffer.size - t|db.tx_state.memory_allocation ON_HEAP t|db.query.default_language CYPHER_5 t+
db.index.fulltext.default_analyzer standard-no-stop-words t|db.index.fulltext.eventually_consistent false b|db.index_sampling.background_enabled true b
db.index_sampling.sample_size_limit 8388608 i|db.index_sampling.update_percentage 5 i|db.import.csv.buffer_size 2097152 t|db.import.csv.legacy_quote_escaping true b
initial.dbms.default_database neo4j t|initial.dbms.default_primaries_count 1 i|initial.dbms.default_secondaries_count 0 i|initial.server.allowed_databases - l
initial.server.denied_databases - l|initial.server.mode_constraint NONE t|initial.server.tags - l|client.allow_telemetry true b|browser.post_connect_cmd - t
browser.remote_content_hostname_allowlist guides.neo4j.com l|browser.credential_timeout 0s d|browser.retain_connection_credentials true b
browser.retain_editor_history true b|browser.allow_outgoing_connections true b|genai.openai.baseurl - t`

var kindLetters = map[string]valueKind{"t": textValue, "b": boolValue, "i": intValue, "d": durationValue, "l": listValue}

// knownSettings is every setting that no provider owns, by name.
func knownSettings(d dialect) map[string]*settingDef {
	defs := map[string]*settingDef{}
	for _, def := range securitySettings(d) {
		defs[def.name] = &def
	}
	for _, entry := range strings.FieldsFunc(otherSettings, func(r rune) bool { return r == '|' || r == '\n' }) {
		f := strings.Fields(entry)
		letter, dynamic := strings.CutSuffix(f[2], "+")
		def := &settingDef{name: f[0], kind: kindLetters[letter], dynamic: dynamic}
		if f[1] != "-" {
			def.fallback = text(f[1])
		}
		defs[def.name] = def
	}
	defs["server.bolt.enabled"].description = "Enable the Bolt connector."
	return defs
}

// settings are one member's: what it was started with and what was changed since. Its owner holds the lock.
type settings struct {
	defs      map[string]*settingDef
	startup   map[string]string // as written in neo4j.conf
	changed   map[string]string // by dbms.setConfigValue
	providers []string          // OIDC providers declared at start
}

// openSettings checks neo4j.conf as a server does before it starts.
func openSettings(d dialect, conf []confEntry) (*settings, error) {
	s := &settings{defs: knownSettings(d), startup: map[string]string{}, changed: map[string]string{}}
	strict := true
	for _, e := range conf {
		if e.key == settingStrict && strings.EqualFold(strings.TrimSpace(e.value), "false") {
			strict = false
		}
	}
	s.declareProviders(conf)
	for _, e := range conf {
		if err := s.take(e, strict); err != nil {
			return nil, err
		}
	}
	for _, key := range sortedNames(s.startup) {
		if _, err := s.defs[key].kind.parse(s.startup[key]); err != nil {
			return nil, &serverError{"Error evaluating value for setting '" + key + "'. ", err}
		}
	}
	return s, s.checkProviders()
}

// declareProviders finds the providers that the file names, in their own settings or in the lists.
func (s *settings) declareProviders(conf []confEntry) {
	found := map[string]bool{}
	for _, e := range conf {
		if rest, ok := strings.CutPrefix(e.key, oidcPrefix); ok {
			if provider := providerOf(rest); provider != "" {
				found[provider] = true
			}
		}
		if e.key == settingAuthentication || e.key == settingAuthorization {
			for _, p := range splitList(e.value) {
				if provider, ok := strings.CutPrefix(p, providerPrefix); ok {
					found[provider] = true
				}
			}
		}
	}
	for _, provider := range sortedNames(found) {
		s.providers = append(s.providers, provider)
		for _, def := range oidcSuffixes {
			def.name = oidcPrefix + provider + "." + def.name
			s.defs[def.name] = &def
		}
	}
}

// providerOf is the provider in "okta.claims.username": the suffix must be a known one, so that a misspelt key declares nothing.
func providerOf(rest string) string {
	for _, def := range oidcSuffixes {
		if provider, ok := strings.CutSuffix(rest, "."+def.name); ok && provider != "" && !strings.Contains(provider, ".") {
			return provider
		}
	}
	return ""
}

// take remembers one line, or refuses a key that is unknown or stands twice.
func (s *settings) take(e confEntry, strict bool) error {
	_, known := s.defs[e.key]
	_, twice := s.startup[e.key]
	switch {
	case !known && strict:
		return serverWords("Unrecognized setting. No declared setting with name: %s. Cleanup the config or disable '%s' to continue.", e.key, settingStrict)
	case !known:
		return nil
	case twice && e.key == "server.jvm.additional":
		s.startup[e.key] += "\n" + e.value
		return nil
	case twice && strict:
		return serverWords("%s declared multiple times. Cleanup the config or disable '%s' to continue.", e.key, settingStrict)
	}
	s.startup[e.key] = e.value
	return nil
}

// checkProviders refuses lists that name what does not exist, and providers without what a login needs.
func (s *settings) checkProviders() error {
	for _, key := range []string{settingAuthentication, settingAuthorization} {
		for _, p := range splitList(s.value(key)) {
			provider, oidc := strings.CutPrefix(p, providerPrefix)
			switch {
			case p == "native":
			case p == "ldap" || strings.HasPrefix(p, "plugin-"):
				return fmt.Errorf("not emulated: authentication provider '%s' in %s", p, key)
			case !oidc || provider == "":
				return serverWords("Error evaluating value for setting '%s'. '%s' is not a known provider", key, p)
			default:
				if err := s.checkProvider(provider); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *settings) checkProvider(provider string) error {
	missing := func(suffix string) bool { return s.value(oidcPrefix+provider+"."+suffix) == "" }
	refuse := func(suffix string) error {
		return serverWords("Error evaluating value for setting '%s%s.%s'. The setting is mandatory for this provider", oidcPrefix, provider, suffix)
	}
	if missing("audience") {
		return refuse("audience")
	}
	if !missing("well_known_discovery_uri") {
		return nil
	}
	needed := []string{"issuer", "jwks_uri", "auth_endpoint"}
	if flow := s.value(oidcPrefix + provider + ".auth_flow"); strings.EqualFold(flow, "pkce") {
		needed = append(needed, "token_endpoint")
	}
	for _, suffix := range needed {
		if missing(suffix) {
			return refuse(suffix)
		}
	}
	return nil
}

// raw is the value in force as written, and whether there is one.
func (s *settings) raw(name string) (string, bool) {
	if v, ok := s.changed[name]; ok {
		return v, true
	}
	if v, ok := s.startup[name]; ok {
		return v, true
	}
	if def := s.defs[name]; def != nil && def.fallback != nil {
		return *def.fallback, true
	}
	return "", false
}

// value is the value in force as written, "" when unset.
func (s *settings) value(name string) string {
	v, _ := s.raw(name)
	return v
}

func (s *settings) enabled(name string) bool {
	return strings.EqualFold(strings.TrimSpace(s.value(name)), "true")
}

// duration reads a duration setting; values were checked when they were set.
func (s *settings) duration(name string) time.Duration {
	printed, err := durationValue.parse(s.value(name))
	if err != nil {
		return 0
	}
	if days, ok := strings.CutSuffix(printed, "d"); ok {
		d, _ := time.ParseDuration(days + "h")
		return 24 * d
	}
	d, _ := time.ParseDuration(printed)
	return d
}

// printed is how SHOW SETTINGS writes a value.
func (def *settingDef) printed(raw string, set bool) any {
	if !set {
		return nil
	}
	v, err := def.kind.parse(raw)
	if err != nil {
		return raw
	}
	return v
}

// check says whether dbms.setConfigValue would take a value: "" when it would, and whether a restart is all that is in the way.
func (s *settings) check(name, value string) (message string, restart bool) {
	def, ok := s.defs[name]
	if !ok {
		return "Unknown setting: " + name, false
	}
	if value != "" {
		if _, err := def.kind.parse(value); err != nil {
			return fmt.Sprintf("Bad value '%s' for setting '%s': %s", value, name, err), false
		}
	}
	if !def.dynamic {
		return fmt.Sprintf("Setting '%s' is not dynamic and can not be changed at runtime", name), true
	}
	return "", false
}

// set changes a dynamic setting until the next restart; "" resets it.
func (s *settings) set(name, value string) {
	if value == "" {
		delete(s.changed, name)
		delete(s.startup, name) // the manual says that an empty value means the default, not what the file said
		return
	}
	s.changed[name] = value
}

// rows are what SHOW SETTINGS lists, sorted by name. startup values are those of the file.
func (s *settings) rows(conf map[string]string) []map[string]any {
	var rows []map[string]any
	for _, name := range sortedNames(s.defs) {
		def := s.defs[name]
		raw, set := s.raw(name)
		startupRaw, startupSet := conf[name]
		var fallback any
		if def.fallback != nil {
			fallback = def.printed(*def.fallback, true)
			if !startupSet {
				startupRaw, startupSet = *def.fallback, true
			}
		}
		_, changed := s.changed[name]
		_, written := s.startup[name]
		rows = append(rows, map[string]any{
			"name": name, "value": def.printed(raw, set), "isDynamic": def.dynamic, "defaultValue": fallback, "description": def.description,
			"startupValue": def.printed(startupRaw, startupSet), "isExplicitlySet": changed || written, "validValues": def.valid(), "isDeprecated": def.deprecated,
		})
	}
	sort.Slice(rows, func(a, b int) bool { return rows[a]["name"].(string) < rows[b]["name"].(string) })
	return rows
}

// confValues copies what the file said.
func (s *settings) confValues() map[string]string {
	out := map[string]string{}
	for k, v := range s.startup {
		out[k] = v
	}
	return out
}
