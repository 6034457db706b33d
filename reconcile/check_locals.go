package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
)

func orRange(a, b hcl.Range) hcl.Range {
	if a.Empty() {
		return b
	}
	return a
}

// checkLocals looks for accounts that need a user of the server's own and have none, or one that is suspended.
func checkLocals(all []entrance) []Finding {
	var found []Finding
	for _, e := range all {
		t := e.token
		d, fit, near := e.nearest()
		if !near || fit == FitNo || !t.Gets() || !d.Open {
			continue
		}
		in, why := d.enter(t)
		subject, _ := d.subject(t)
		switch {
		case why == stopNoName:
			f := e.about(CheckClaimName, "login", "Provider %s finds no user name in the tokens of %s", d.Name, t.Account.Label())
			f.Detail = fmt.Sprintf("It reads the name from claim %s, which has to be one text, and the tokens carry none.", d.SubjectClaim)
			f.Remedy = "Give them such a claim, or let the provider read sub, which every token has."
			if i := slices.IndexFunc(t.Without, func(g Gap) bool { return g.Name == d.SubjectClaim }); i >= 0 {
				f.Detail, f.Remedy = capital(t.Without[i].Text)+fmt.Sprintf(", and provider %s reads the user's name from it.", d.Name), t.Without[i].Remedy
			}
			found = append(found, f.with(d, "the provider that reads it"))
		case why == stopNoUser:
			f := e.about(CheckNoLocalUser, "login", "No user of %s is %s", d.Words.Product, t.Account.Label())
			f.Detail = fmt.Sprintf("%s is true, and no user has the id %s at provider %s.", d.Words.Required, said(subject), d.Name)
			f.Remedy = fmt.Sprintf("Declare %s and that id.", d.Words.LocalUser)
			found = append(found, f.with(d, "the provider that asks for one"))
		case why == stopSuspended:
			f := e.about(CheckSuspended, "login", "%s logs in as a user that is suspended", t.Account.Label())
			f.Detail = fmt.Sprintf("%s is true, so %s runs as user %s, whose status is suspended.", d.Words.Required, t.Account.Label(), in.local.Name)
			f.Remedy = "Let " + in.local.By.Addr.String() + " be active, or " + t.OffRemedy + " as well."
			f.Other, f.OtherRange, f.OtherText = in.local.By.Addr, in.local.By.Range, "the user"
			found = append(found, f)
		case !d.Locals.Required && d.Locals.Known && subject != nil:
			local, ok := d.Locals.By[SubjectKey(subject)]
			if !ok || !local.Suspended {
				continue
			}
			f := e.about(CheckSuspended, "", "Suspending user %s may not keep %s out", local.Name, t.Account.Label())
			f.Detail = fmt.Sprintf("User %s has the account's id and is suspended, but %s is false: then the login may not go by the user at all.", local.Name, d.Words.Required)
			f.Remedy = capital(t.OffRemedy) + " to keep it out, or set " + d.Words.Required + " to true."
			f.Other, f.OtherRange, f.OtherText = local.By.Addr, local.By.Range, "the user"
			found = append(found, f)
		}
	}
	return found
}

// checkLifetimes looks for tokens that end before the login that was made with them is forgotten.
func checkLifetimes(all []entrance) []Finding {
	var found []Finding
	for _, e := range all {
		in, ok := e.in()
		if !ok || in.door.CacheTTL == 0 || e.token.Life == 0 || e.token.Life >= in.door.CacheTTL {
			continue
		}
		f := e.about(CheckLifetime, "", "Tokens of %s end before %s forgets the login", e.token.Account.Label(), in.door.Words.Product)
		f.Range = orRange(e.token.LifeRange, e.token.Range)
		f.Detail = fmt.Sprintf("They live %s, and %s remembers a login for %s (%s). A session that goes on after the token's end is ended in the middle, with TokenExpired.", life(e.token.Life), in.door.Words.Product, life(in.door.CacheTTL), in.door.Words.CacheTTL)
		f.Remedy = "Let the client fetch a token for each session, or let tokens live longer than that."
		found = append(found, f.with(in.door, "the provider that takes them"))
	}
	return found
}

// life writes a duration as the spec does: 5m, not 5m0s.
func life(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}
