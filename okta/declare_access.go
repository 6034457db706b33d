package okta

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

func (d *declaration) scope() []reconcile.Object {
	b := d.block
	o := d.object(b, b.Addr)
	d.inServer(&o)
	d.name(&o, attrName, checkScope)
	consent := o.TextAttr("consent")
	if consent == consentNeeded {
		d.warn(b.At("consent"), "Scope that needs a user", "With consent REQUIRED Okta refuses the scope to client_credentials (consent_required). Use IMPLICIT for machines.")
	}
	if o.Get("optional") == reconcile.Flag(true) && (consent == consentImplied || consent == "") {
		d.fail(b.At("optional"), "Optional scope without consent", "Users can only decline what they are asked about: Okta wants consent REQUIRED or FLEXIBLE with optional. Set consent, or remove optional.")
	}
	return []reconcile.Object{o}
}

func (d *declaration) claim() []reconcile.Object {
	b := d.block
	o := d.object(b, b.Addr)
	d.inServer(&o)
	d.name(&o, attrName, checkClaim)
	d.claimType(&o)
	if scopes, ok := o.Attr(attrScopes); ok {
		o.Set(asSet(scopes))
	}
	d.claimValue(o)
	if o.TextAttr("claim_type") == claimResource && o.Get("always_include_in_token") == reconcile.Flag(false) {
		d.fail(b.At("always_include_in_token"), "Always in access tokens", "Okta puts a RESOURCE claim into every access token that gets one of its scopes; false means something for IDENTITY claims only. Remove the line.")
	}
	return []reconcile.Object{o}
}

// claimType sets for which tokens a claim is, by which it is found beside its name.
func (d *declaration) claimType(o *reconcile.Object) {
	if o.Get(attrClaimType) == nil {
		o.Set(reconcile.Attr{Name: attrClaimType, Value: reconcile.Text(claimResource), Range: d.block.Range})
	}
	d.known(o, attrClaimType)
}

func (d *declaration) claimValue(o reconcile.Object) {
	b := d.block
	value, filter := o.TextAttr("value"), o.Get("group_filter_type")
	groups := o.TextAttr("value_type") == valueGroups
	if v, ok := o.Get("value").(reconcile.Text); ok && strings.TrimSpace(string(v)) == "" {
		d.fail(b.At("value"), "Empty claim", "value is what the claim says, an expression such as app.profile.neo4j_groups.")
	}
	switch {
	case groups && filter == nil:
		d.fail(b.At("value_type"), "Groups claim without a filter", "A claim of value_type GROUPS needs group_filter_type: STARTS_WITH, EQUALS, CONTAINS or REGEX.")
	case !groups && filter != nil:
		d.fail(b.At("group_filter_type"), "Filter without groups", "group_filter_type belongs to value_type = \"GROUPS\". Remove it, or set value_type.")
	}
	switch {
	case strings.TrimSpace(value) == "":
	case groups:
		d.check(b.At("value"), "Group filter fits nothing", checkGroupFilter(value, o.TextAttr("group_filter_type")))
	default:
		d.check(b.At("value"), "Invalid expression", checkExpression(value))
	}
	if !groups && (strings.HasPrefix(value, "user.") || strings.HasPrefix(value, "appuser.")) {
		d.warn(b.At("value"), "Claim about a user", "A token got with client_credentials has no user: user.* and appuser.* are empty in it. app.profile.* holds what belongs to the app.")
	}
}

func (d *declaration) policy() []reconcile.Object {
	b := d.block
	o := d.object(b, b.Addr)
	d.inServer(&o)
	d.name(&o, attrName, checkLabel)
	if b.Has(attrRuleOrder) {
		d.fail(b.At(attrRuleOrder), "Order set twice", "The order of rules is the order of the rule blocks. Remove rule_order.")
	}
	if text, ok := o.Get("description").(reconcile.Text); ok {
		d.check(b.At("description"), "Invalid description", checkLength("a policy's description", string(text), 1, 255))
	}
	if clients, ok := o.Attr(attrClients); ok {
		o.Set(asSet(clients))
		if contains(o.Get(attrClients), reconcile.Text(allClients)) && len(reconcile.Members(o.Get(attrClients))) > 1 {
			d.fail(b.At(attrClients), "All clients and some", "ALL_CLIENTS stands alone. Remove it, or the others.")
		}
	}
	objects := []reconcile.Object{o}
	var order reconcile.List
	for _, rule := range b.Inner(kindRule) {
		if slices.ContainsFunc(order, func(v reconcile.Value) bool { return v == reconcile.Text(rule.Name) }) {
			d.fail(rule.Range, "Rule declared twice", fmt.Sprintf("The policy has two rules %q. Rename one.", rule.Name))
			continue
		}
		order = append(order, reconcile.Text(rule.Name))
		objects = append(objects, d.rule(rule, o))
	}
	if len(order) > 0 {
		objects[0].Set(reconcile.Attr{Name: attrRuleOrder, Value: order, Range: b.Range})
	}
	return objects
}

func (d *declaration) rule(b reconcile.Block, policy reconcile.Object) reconcile.Object {
	o := d.object(b, policy.Addr.Child(kindRule, b.Name))
	o.Lifecycle = policy.Lifecycle
	o.Lifecycle.IgnoreChanges = ruleIgnores(policy.Lifecycle.IgnoreChanges, b.Name)
	o.Need(policy.Addr)
	o.Need(policy.Needs...) // the server, and what the rule names; the policy's clients do no harm
	d.check(b.Range, "Invalid rule name", checkLabel(b.Name))
	for _, attr := range []string{attrScopes, attrGrants, attrGroups, attrExcludedGroups, attrUsers, attrExcludedUsers} {
		if a, ok := o.Attr(attr); ok {
			o.Set(asSet(a))
		}
	}
	d.check(b.At(attrGrants), "Unknown grant", checkGrants(o.Get(attrGrants)))
	if o.TextAttr(attrStatus) == inactive && o.Get(attrGrants) == nil {
		d.fail(b.At(attrStatus), "Inactive rule without grants", "Okta makes rules active, and this one must give nothing until it is switched off: it is made for another grant first. Write grant_types out, such as [\"client_credentials\"].")
	}
	d.people(b, o)
	access, given := d.duration(b, &o, attrLifetime)
	if given && (access < 5*time.Minute || access > 24*time.Hour) {
		d.fail(b.At(attrLifetime), "Invalid lifetime", fmt.Sprintf("Okta's access tokens live 5m to 24h; got %s.", access))
	}
	refresh, ok := d.duration(b, &o, attrRefresh)
	if ok && refresh != 0 && refresh < access {
		d.fail(b.At(attrRefresh), "Invalid lifetime", "A refresh token lives at least as long as the access token, or 0s for without end.")
	}
	window, ok := d.duration(b, &o, attrWindow)
	if ok && (window < 10*time.Minute || window > 2628000*time.Minute) {
		d.fail(b.At(attrWindow), "Invalid lifetime", "Okta takes a window of 10m to 43800h (five years).")
	}
	if window >= 10*time.Minute && (given && window < access || refresh != 0 && window > refresh) {
		d.fail(b.At(attrWindow), "Invalid lifetime", "The window in which a refresh token has to be used is at least as long as the access token lives, and at most as long as the refresh token.")
	}
	return o
}

// people checks for whom a rule is. A client that asks for itself is nobody: a rule for some users or groups is not for it (Okta's guide "Configure an
// access policy").
func (d *declaration) people(b reconcile.Block, o reconcile.Object) {
	groups := o.Get(attrGroups)
	if contains(groups, reconcile.Text(everyone)) && len(reconcile.Members(groups)) > 1 {
		d.fail(b.At(attrGroups), "Everyone and some", "EVERYONE stands alone. Remove it, or the others.")
	}
	some := len(reconcile.Members(groups)) > 0 && !contains(groups, reconcile.Text(everyone))
	if (some || len(reconcile.Members(o.Get(attrUsers))) > 0) && hasGrant(o.Get(attrGrants)) {
		at := b.At(attrGroups)
		if !some {
			at = b.At(attrUsers)
		}
		d.warn(at, "Rule for people, grant for machines", "A token got with client_credentials has no user: a rule for some users or groups does not fit such a request.")
	}
}

// ruleIgnores gives a rule its part of its policy's ignore_changes: rule.NAME.ATTRIBUTE.
func ruleIgnores(ignores []string, rule string) []string {
	var own []string
	for _, name := range ignores {
		if attr, ok := strings.CutPrefix(name, kindRule+"."+rule+"."); ok {
			own = append(own, attr)
		}
	}
	return own
}
