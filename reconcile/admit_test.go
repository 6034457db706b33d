package reconcile

import (
	"fmt"
	"strings"
	"testing"
)

// choicesText is the claims of each token that an account can choose, in order.
func choicesText(t Token, doors ...Door) string {
	var all []string
	for _, one := range t.choices(doors) {
		var names []string
		for _, c := range one.Claims {
			names = append(names, c.Name)
		}
		all = append(all, strings.Join(names, "+"))
	}
	return strings.Join(all, " ")
}

// An account chooses its claims by the scopes that it asks for, and only scopes of one rule go together.
func TestChoicesOfClaims(t *testing.T) {
	door := Door{GroupsClaim: "groups", SubjectClaim: "login"}
	groups, login := Claim{Name: "groups", Scopes: []string{"g"}}, Claim{Name: "login", Scopes: []string{"l", "both"}}
	other, always := Claim{Name: "other", Scopes: []string{"g"}}, Claim{Name: "always"}
	for _, c := range []struct {
		claims   []Claim
		requests [][]string
		want     string
	}{
		{[]Claim{groups, login}, nil, "groups+login"},
		{[]Claim{groups, login}, [][]string{{"g", "l"}}, "groups+login groups login"},
		{[]Claim{groups, login}, [][]string{{"g"}, {"l"}}, "groups login"},
		{[]Claim{groups, login}, [][]string{{"g", "plain"}}, "groups "},
		{[]Claim{groups, other, always}, [][]string{{"g", "plain"}}, "groups+other+always other+always"}, // nobody reads the others
		{[]Claim{other, always}, [][]string{{"g"}, {"l"}}, "other+always"},
		{[]Claim{{Name: "groups", Scopes: []string{"both"}}, login}, [][]string{{"both", "l"}}, "groups+login login"},
	} {
		if got := choicesText(Token{Claims: c.claims, Requests: c.requests}, door); got != c.want {
			t.Errorf("%v of %v: %q, want %q", c.claims, c.requests, got, c.want)
		}
	}
}

// A user's name is one text: a list of one is none, and an expression that only the server can compute may be one.
func TestSubjectOfAToken(t *testing.T) {
	for _, c := range []struct {
		door Door
		say  Claim
		want string
	}{
		{Door{}, Claim{}, "\"sub\" true"},
		{Door{SubjectClaim: "sub"}, Claim{}, "\"sub\" true"},
		{Door{SubjectClaim: "sub", SubjectElsewhere: true}, Claim{}, "<nil> true"},
		{Door{SubjectClaim: "login"}, Claim{}, "<nil> false"},
		{Door{SubjectClaim: "login"}, Claim{Name: "login", Known: true, One: true, Values: []string{"a"}}, "\"a\" true"},
		{Door{SubjectClaim: "login"}, Claim{Name: "login", Known: true, Values: []string{"a"}}, "<nil> false"},
		{Door{SubjectClaim: "login"}, Claim{Name: "login", Known: true, One: true}, "<nil> false"},
		{Door{SubjectClaim: "login"}, Claim{Name: "login"}, "<nil> true"},
	} {
		name, has := c.door.subject(Token{Subject: Text("sub"), Claims: []Claim{c.say}})
		if got := fmt.Sprintf("%v %t", name, has); got != c.want {
			t.Errorf("%+v of %+v: %s, want %s", c.door, c.say, got, c.want)
		}
	}
}

// A door with the keys of another server of one host takes no signature of this one; an address that says nothing is no reason.
func TestKeysOfADoor(t *testing.T) {
	ref := func(name string) Value {
		return Ref{Addr: Addr{System: "o", Kind: "server", Name: name}, Attr: "issuer"}
	}
	for _, c := range []struct {
		keys, issuer Value
		want         Fit
	}{
		{nil, Text("https://o/oauth2/a"), FitYes}, {Text("https://o/oauth2/a"), Text("https://o/oauth2/a"), FitYes}, {Text("https://o/oauth2/a"), Text("https://o/oauth2/a/"), FitYes},
		{Text("https://o/oauth2/a"), Text("https://o/oauth2/b"), FitNo}, {Text("https://o/oauth2/a"), Text("https://login.example/oauth2/b"), FitYes}, {Text("https://o/oauth2/a"), nil, FitYes},
		{ref("a"), ref("a"), FitYes}, {ref("a"), ref("b"), FitNo}, {ref("a"), Text("https://o/oauth2/b"), FitYes},
	} {
		d := Door{Issuer: c.issuer, Keys: c.keys}
		if got := d.Fits(Token{Issuer: c.issuer}); min(got, FitYes) != c.want && !(c.want == FitYes && got == FitMaybe) {
			t.Errorf("keys of %v for tokens of %v: %v, want %v", c.keys, c.issuer, got, c.want)
		}
	}
}

// What is denied by a role that comes with the groups is open to a token without them, where the user's own role grants it.
func TestFewerClaimsMayDoMore(t *testing.T) {
	local := Local{Name: "etl", Roles: []string{"own"}}
	door := Door{GroupsClaim: "groups", Open: true, Maps: true, Mapping: map[string][]string{"g": {"mapped"}}, Public: "PUBLIC",
		Locals: Locals{Known: true, NativeRole: true, ByName: map[string]Local{"etl": local}}}
	token := Token{Subject: Text("etl"), Claims: []Claim{{Name: "groups", Known: true, Scopes: []string{"g"}, Values: []string{"g"}, At: []Source{{}}}}, Requests: [][]string{{"g", "plain"}}}
	var got []string
	for in := range admit(token, []Door{door}) {
		names, _ := in.groups()
		got = append(got, fmt.Sprint(names, in.local.Roles))
	}
	if want := "[g] [own]|[] [own]"; strings.Join(got, "|") != want {
		t.Errorf("ways in are %q, want %s", got, want)
	}
}
