package render

import (
	"slices"
	"strings"

	"keymaker/reconcile"
)

// checkSuite is the name under which reports that have groups file the checks.
const checkSuite = "checks"

// checkRules are the rules of a SARIF log for the checks, in the order of [reconcile.Checks].
func checkRules() []sarifRule {
	check := func(id, name, what, help string) sarifRule { return rule(id, name, "warning", what, help) }
	return []sarifRule{
		check(reconcile.CheckNoToken, "NoToken", "No policy or rule gives an account the token it needs", "Add it to the clients of a policy, or a rule for client_credentials to the policy."),
		check(reconcile.CheckScope, "ScopeNotGiven", "A scope that is needed is given by no rule that decides", "Add the scope to the rule."),
		check(reconcile.CheckPolicyOrder, "PolicyComesFirst", "Another policy decides before the declared one", "Order the policies with policy_order."),
		check(reconcile.CheckIdleClaim, "ClaimNeverComes", "A claim is tied to a scope that nobody can ask for", "Tie it to another scope, or give the scope."),
		check(reconcile.CheckDPoP, "DPoP", "Tokens are bound to a key, and Neo4j takes none that are", "Set dpop_bound_access_tokens = false."),
		check(reconcile.CheckIssuer, "Issuer", "A provider expects another issuer than the tokens say", "Set authorization_server of the provider."),
		check(reconcile.CheckAudience, "Audience", "A provider takes tokens for another audience", "Set authorization_server of the provider, or add the audience."),
		check(reconcile.CheckTokenType, "TokenType", "The groups' claim is not in the kind of token that is used", "Set claim_type = \"RESOURCE\" of the claim, and token_type = \"access_token\" of the provider."),
		check(reconcile.CheckClaimName, "ClaimName", "A provider reads its groups from a claim that tokens do not carry", "Set groups_claim to the claim's block."),
		check(reconcile.CheckUnmappedGroup, "UnmappedGroup", "A group of a profile gives no role", "Map it, or take it out of the profile."),
		check(reconcile.CheckSameName, "SameNameMapping", "A role has the group's name, but an explicit mapping switches mapping by name off", "Map the group."),
		check(reconcile.CheckMissingRole, "MissingRole", "A mapping gives a role that does not exist", "Declare the role, or correct its name."),
		check(reconcile.CheckNoLocalUser, "NoLocalUser", "Neo4j requires a local user, and none has the account's id", "Declare a neo4j user with that id."),
		check(reconcile.CheckSuspended, "SuspendedUser", "The user of an account is suspended", "Let the user be active, or switch the app off."),
		check(reconcile.CheckProviderLists, "ProviderLists", "A provider is in one of Neo4j's two lists of providers only", "Put it into both lists, or let keymaker manage both."),
		check(reconcile.CheckLifetime, "TokenLifetime", "Tokens end before Neo4j forgets the login", "Fetch a token for each session, or let tokens live longer."),
		check(reconcile.CheckNoAccess, "RoleWithoutAccess", "A role has privileges on graphs and may enter none of their databases", "Grant ACCESS on the database."),
		check(reconcile.CheckDeniedGrant, "DeniedGrant", "A denial takes all of a grant", "Remove one of the two."),
	}
}

// checkLevel is how loud a finding is: a login that is broken for certain is an error.
func checkLevel(c reconcile.Finding) string {
	if c.Breaks != "" {
		return "error"
	}
	return "warning"
}

// checkResult is a finding as a result at its line of the spec, with the other side as a related place.
func (f Findings) checkResult(c reconcile.Finding) sarifResult {
	addr := Escape(c.Addr.String())
	text := Escape(c.Summary) + ". " + Escape(c.Text())
	if who := whom(c); who != "" {
		text += " It concerns " + who + "."
	}
	parts := append([]string{addr, c.Other.String(), c.Summary, c.Detail}, c.Accounts...)
	res := result(c.Check, strings.TrimSuffix(text, "."), location(addr, "resource", f.orHome(c.Range, c.Addr.Instance())), parts...)
	res.Level = checkLevel(c)
	if c.Breaks != "" {
		res.Properties = map[string]string{"breaks": Escape(c.Breaks)}
	}
	if c.Other.IsZero() {
		return res
	}
	other := location(Escape(c.Other.String()), "resource", c.OtherRange)
	other.Message = &sarifText{Escape(c.OtherText)}
	res.Related = []sarifLocation{other}
	return res
}

// whom names the accounts that a finding concerns; "" when nobody in particular. Reports name all of them.
func whom(c reconcile.Finding) string {
	var names []string
	for _, a := range c.Accounts {
		names = append(names, Escape(a))
	}
	return strings.Join(names, ", ")
}

// checkCase is a finding as a case: one that breaks a login fails, any other passes with a warning in its output.
func checkCase(c reconcile.Finding) junitCase {
	one := junitCase{Name: Escape(c.Check + " " + c.Addr.String()), Class: checkSuite, File: Escape(c.Range.Filename), Line: c.Range.Start.Line}
	ls := []string{Escape(c.Summary), Escape(c.Text())}
	if who := whom(c); who != "" {
		ls = append(ls, "concerns "+who)
	}
	if other := otherPlace(c); other != "" {
		ls = append(ls, "and "+other)
	}
	if c.Breaks == "" {
		one.Out = "warning: " + strings.Join(ls, "\n")
		return one
	}
	one.Failure = &junitText{Message: Escape(c.Summary), Type: c.Check, Text: strings.Join(ls, "\n")}
	return one
}

// otherPlace is the other side of a finding on one line; "" when there is none.
func otherPlace(c reconcile.Finding) string {
	if c.Other.IsZero() {
		return ""
	}
	text := Escape(c.Other.String())
	if c.OtherText != "" {
		text += ", " + Escape(c.OtherText)
	}
	if at := place(c.OtherRange); at != "" {
		return text + ", " + at
	}
	return text + ", live"
}

// checkRecord is a finding as a record of a table, see [DriftCSV].
func checkRecord(c reconcile.Finding) []string {
	file, line := "", ""
	if c.Range.Filename != "" {
		file, line = Escape(c.Range.Filename), itoa(c.Range.Start.Line)
	}
	effect := ""
	if c.Breaks != "" {
		effect = "breaks " + Escape(c.Breaks)
	}
	accounts := make([]string, len(c.Accounts))
	for i, a := range c.Accounts {
		accounts[i] = Escape(a)
	}
	return []string{"check", Escape(c.Addr.String()), c.Check, "", "", otherPlace(c), effect, file, line, Escape(c.Summary) + ". " + Escape(c.Text()),
		"", strings.Join(accounts, "; "), "", "", "", "", Escape(c.Remedy)}
}

// htmlCheck is a finding as the page tells it.
type htmlCheck struct {
	Check, Summary, Detail, Breaks, Remedy, Address, Place, Other string

	Accounts []string
}

// htmlChecks lists what breaks a login before the rest.
func htmlChecks(found []reconcile.Finding) []htmlCheck {
	var all []htmlCheck
	for _, c := range found {
		one := htmlCheck{Check: c.Check, Summary: Escape(c.Summary), Detail: Escape(c.Detail), Breaks: Escape(c.Breaks), Remedy: Escape(c.Remedy), Address: Escape(c.Addr.String()),
			Place: place(c.Range), Other: otherPlace(c)}
		for _, a := range c.Accounts {
			one.Accounts = append(one.Accounts, Escape(a))
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b htmlCheck) int { return rankOf(a.Breaks == "") - rankOf(b.Breaks == "") })
	return all
}

func rankOf(later bool) int {
	if later {
		return 1
	}
	return 0
}
