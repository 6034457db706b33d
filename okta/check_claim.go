package okta

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// expressionStart is how texts begin that are meant to be evaluated: a member of what a token is about, or a call of one of the functions of Okta's expression language
// (Okta's reference "Okta Expression Language").
var expressionStart = regexp.MustCompile(`^((app|user|appuser)\.profile\.|app\.clientId$|user\.(login|email|id)$|(String|Arrays|Groups|Convert|Time|Iso8601Convert)\.[A-Za-z]+\()`)

// checkGroupFilter refuses a filter for groups that no group fits: an expression, or a regular expression that is none.
func checkGroupFilter(value, filter string) error {
	if expressionStart.MatchString(value) {
		return fmt.Errorf("with value_type GROUPS value is text to look for in names of groups, and %q is an expression: leave value_type and group_filter_type out, or write the text", value)
	}
	if filter != "REGEX" {
		return nil
	}
	_, err := regexp.Compile(value)
	wrong := (*syntax.Error)(nil)
	if errors.As(err, &wrong) && slices.Contains([]syntax.ErrorCode{syntax.ErrMissingBracket, syntax.ErrMissingParen, syntax.ErrUnexpectedParen, syntax.ErrMissingRepeatArgument, syntax.ErrTrailingBackslash}, wrong.Code) {
		return fmt.Errorf("%q is no regular expression: %s; all groups are .*", value, wrong.Code) // what Go refuses otherwise, Java may take
	}
	return nil
}

// checkExpression refuses what cannot be an expression whatever Okta knows: brackets or quotes that are not closed, and patterns.
func checkExpression(value string) error {
	closers := map[rune]rune{'(': ')', '[': ']', '{': '}'}
	var open []rune
	var quote rune
	for _, r := range value {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case closers[r] != 0:
			open = append(open, closers[r])
		case strings.ContainsRune(")]}", r):
			if len(open) == 0 || open[len(open)-1] != r {
				return fmt.Errorf("in the expression %q %c closes nothing: take it out", value, r)
			}
			open = open[:len(open)-1]
		}
	}
	switch {
	case quote != 0:
		return fmt.Errorf("in the expression %q a quote is not closed: add %c", value, quote)
	case len(open) > 0:
		return fmt.Errorf("the expression %q is not closed: add %c", value, open[len(open)-1])
	case strings.HasPrefix(value, ".") || strings.HasPrefix(value, "*"):
		return fmt.Errorf("%q is no expression but a pattern: write value_type = \"GROUPS\" and group_filter_type = \"REGEX\" with it, or an expression such as app.profile.neo4j_groups", value)
	}
	return nil
}

// plainGrants are the OAuth grants that have plain names (Okta's API description, grant types of apps and of rules); others are URNs.
var plainGrants = []string{"authorization_code", grantMachine, "implicit", "interaction_code", "password", "refresh_token"}

// checkGrants refuses plain names that no grant has.
func checkGrants(grants reconcile.Value) error {
	for _, m := range reconcile.Members(grants) {
		if name, ok := m.(reconcile.Text); ok && !strings.Contains(string(name), ":") && !slices.Contains(plainGrants, string(name)) {
			return fmt.Errorf("there is no grant %q: Okta has %s, and others whose names begin with urn", string(name), strings.Join(plainGrants, ", "))
		}
	}
	return nil
}

// checkKeysURI refuses an address from which nobody can read keys, or anybody could change them on the way.
func checkKeysURI(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%q is no address: write it as https://example.com/jwks.json", redactURL(text))
	}
	if u.Scheme == "http" && !loopback(strings.ToLower(u.Hostname())) {
		return fmt.Errorf("whoever is on the way to %q could put keys of their own there: use https", redactURL(text))
	}
	return nil
}
