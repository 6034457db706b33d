package reconcile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Finding is something in a state that will not work as it reads: a check over what both systems hold, or over one of them.
type Finding struct {
	Check string // the check's name, one of [Checks]
	// Breaks names the hop at which a proof of the accounts would fail for it, "" when it breaks no login.
	Breaks   string
	Accounts []string // whom it concerns, sorted; empty when nobody in particular
	Summary  string
	Detail   string // what is so, in sentences
	Remedy   string // what to do, in sentences
	Addr     Addr   // the object
	Range    hcl.Range
	// Other is the object on the other side, with its place; zero when there is none.
	Other      Addr
	OtherText  string // what stands there: "the provider that takes its tokens"
	OtherRange hcl.Range
}

// The checks.
const (
	CheckUnmappedGroup = "unmapped-group"
	CheckMissingRole   = "missing-role"
	CheckClaimName     = "claim-name"
	CheckAudience      = "audience"
	CheckIssuer        = "issuer"
	CheckNoToken       = "no-token"
	CheckScope         = "scope-not-given"
	CheckPolicyOrder   = "policy-comes-first"
	CheckIdleClaim     = "claim-never-comes"
	CheckDPoP          = "dpop"
	CheckTokenType     = "token-type"
	CheckSameName      = "same-name-mapping"
	CheckNoLocalUser   = "no-local-user"
	CheckSuspended     = "suspended-user"
	CheckProviderLists = "provider-lists"
	CheckLifetime      = "token-lifetime"
	CheckNoAccess      = "role-without-access"
	CheckDeniedGrant   = "denied-grant"
)

// Checks lists the checks, in the order in which the documentation has them.
func Checks() []string {
	return []string{CheckNoToken, CheckScope, CheckPolicyOrder, CheckIdleClaim, CheckDPoP, CheckIssuer, CheckAudience, CheckTokenType, CheckClaimName, CheckUnmappedGroup,
		CheckSameName, CheckMissingRole, CheckNoLocalUser, CheckSuspended, CheckProviderLists, CheckLifetime, CheckNoAccess, CheckDeniedGrant}
}

// Critic is a [System] that finds by itself what will not work in a state of its objects. It is optional.
type Critic interface {
	Findings(state []Object) []Finding
}

// Check looks for what will not work in a state, over all systems: what [Desired] means after a comparison, or the spec alone. Each finding is certain, or says what it
// depends on. They come in the order of [Checks], then of their places.
func Check(systems []System, state []Object) []Finding {
	var found []Finding
	for _, s := range systems {
		if c, ok := s.(Critic); ok {
			found = append(found, c.Findings(ObjectsOf(s.Name(), state))...)
		}
	}
	servers := DoorsOf(systems, state)
	all := entrancesOf(slices.Collect(TokensOf(systems, state)), servers)
	for _, check := range []func([]entrance) []Finding{checkTokens, checkIssuers, checkTokenTypes, checkClaims, checkGroups, checkLocals, checkLifetimes} {
		found = append(found, check(all)...)
	}
	found = append(found, checkDoors(slices.Concat(servers...), carriedGroups(all))...)
	found = gather(withoutEchoes(found))
	slices.SortStableFunc(found, compareFindings)
	return found
}

// withoutEchoes drops what a finding about an account says better: a claim that comes in no token at all is told with the accounts that miss it.
func withoutEchoes(found []Finding) []Finding {
	told := make(map[Addr]bool)
	for _, f := range found {
		if f.Check == CheckScope && len(f.Accounts) > 0 {
			told[f.Addr] = true
		}
	}
	return slices.DeleteFunc(found, func(f Finding) bool { return f.Check == CheckIdleClaim && told[f.Addr] })
}

func compareFindings(a, b Finding) int {
	rank := func(f Finding) int { return slices.Index(Checks(), f.Check) }
	return cmp.Or(cmp.Compare(rank(a), rank(b)), CompareAddr(a.Addr, b.Addr), cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte), cmp.Compare(a.Summary, b.Summary))
}

// gather makes one finding of those that say the same of several accounts.
func gather(found []Finding) []Finding {
	type key struct {
		check, summary, detail string
		addr, other            Addr
		at, otherAt            hcl.Range
	}
	at := make(map[key]int)
	var out []Finding
	for _, f := range found {
		k := key{f.Check, f.Summary, f.Detail, f.Addr, f.Other, f.Range, f.OtherRange}
		if i, again := at[k]; again {
			out[i].Accounts = append(out[i].Accounts, f.Accounts...)
			continue
		}
		at[k] = len(out)
		f.Accounts = slices.Clone(f.Accounts)
		out = append(out, f)
	}
	for i := range out {
		slices.Sort(out[i].Accounts)
		out[i].Accounts = slices.Compact(out[i].Accounts)
	}
	return out
}

// Diagnostic is the finding as a warning of the spec.
func (f Finding) Diagnostic() *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: f.Summary, Detail: f.Text(), Extra: f}
	if !f.Range.Empty() {
		d.Subject = f.Range.Ptr()
	}
	return d
}

// Text is what is so, what it means for a proof, and what to do, as sentences.
func (f Finding) Text() string {
	parts := []string{f.Detail}
	if f.Breaks != "" {
		parts = append(parts, "verify would fail at "+f.Breaks+".")
	}
	return strings.Join(append(parts, f.Remedy), " ")
}

// hazard is the finding as something that an operator can refuse; false when it breaks no login.
func (f Finding) hazard() (Hazard, bool) {
	if f.Breaks == "" {
		return Hazard{}, false
	}
	who := f.Addr.String()
	if len(f.Accounts) > 0 {
		who = "account " + strings.Join(f.Accounts, ", ")
	}
	return Hazard{HazardBroken, who + ": " + f.Summary + " (" + f.Check + ")"}, true
}
