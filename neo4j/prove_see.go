package neo4j

import "keymaker/reconcile"

// cypherShell is the command that asks one server something as an administrator, who gives name and password when asked or in NEO4J_USERNAME and NEO4J_PASSWORD (Operations
// Manual, "Cypher Shell"). It is for what the spec leaves out, which is in no plan.
func cypherShell(uri, statement string) string {
	return reconcile.ShellWords("cypher-shell", "-a", uri, "-d", "system", statement)
}

// seeSettings lists a provider's settings, "" those of all.
func seeSettings(provider string) string {
	if provider != "" {
		provider += "."
	}
	return "SHOW SETTINGS YIELD name, value WHERE name STARTS WITH " + quoteWith('"', oidcPrefix+provider)
}
