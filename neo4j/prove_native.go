package neo4j

import (
	"context"
	"slices"

	"keymaker/reconcile"
)

// A user whom the spec suspends must not get in by its own password either (Operations Manual, "Manage users": a suspended user cannot log in). Users who may log in are not
// proven so: their password is theirs to change after the first login.

// Accounts lists the users of the spec that have a password there, and whom it suspends, in address order. Nobody gets a token of Neo4j.
func (s *System) Accounts(state []reconcile.Object) []reconcile.Account {
	var accounts []reconcile.Account
	for _, o := range reconcile.ObjectsOf(s.Name(), state) {
		if _, ok := o.Get(attrPassword).(reconcile.Secret); o.Addr.Kind == kindUser && !o.Absent && ok && o.TextAttr(attrStatus) == statusSuspended && written(o, attrStatus) {
			accounts = append(accounts, reconcile.Account{Addr: o.Addr, Name: "user " + liveName(o), Range: o.Range, Disabled: "the spec suspends user " + liveName(o)})
		}
	}
	slices.SortFunc(accounts, func(a, b reconcile.Account) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	return accounts
}

// proveNative walks the way of a user whom the spec suspends, which ends at the login.
func (s *System) proveNative(ctx context.Context, account reconcile.Account, state []reconcile.Object, e *reconcile.Evidence, hop func(reconcile.Hop)) bool {
	p := s.proofOf(state, e)
	user, there := p.meant.users[account.Addr]
	if !there {
		hop(failed(hopServer, reconcile.Hop{Text: "the user is not in the state that is to be proven", Expected: "a user", Came: "none", See: "keymaker plan", Range: account.Range}))
		return false
	}
	p.object = user
	defer p.close(ctx)
	for _, walk := range []func(context.Context) reconcile.Hop{p.server, p.nativeProvider, p.nativeLogin} {
		h := walk(ctx)
		if h.Status == reconcile.HopFail && h.See == "" {
			h.See = reconcile.SeePlan(account.Addr)
		}
		hop(h)
		if h.Status == reconcile.HopFail || e.Stop != "" {
			return false
		}
	}
	return true
}

// nativeProvider says on which members passwords count at all.
func (p *proof) nativeProvider(context.Context) reconcile.Hop {
	var asking []string
	for _, m := range p.seen.members {
		if v := m.settings[authenticationProviders].value; v == nil || slices.Contains(listOf(v), nativeProvider) { // native is what it is where nothing is set
			asking = append(asking, m.address)
		}
	}
	if len(asking) == 0 {
		return passed(hopProvider, "none: native is in no member's "+authenticationProviders+", so that no password counts")
	}
	return passed(hopProvider, nativeProvider+", "+countMembers(len(asking)))
}

// nativeLogin wants the user to be suspended, and, where refusals are to be proven, its password to be refused by every member. Each try is a failed login, of which Neo4j allows
// a user three in a row (dbms.security.auth_max_failed_attempts), on each member.
func (p *proof) nativeLogin(ctx context.Context) reconcile.Hop {
	name := liveName(p.object)
	live, there := p.seen.users[name]
	at := attrRange(p.object, attrStatus)
	p.evidence.Stop = "the spec suspends user " + name
	switch {
	case p.seen.usersErr != nil && !p.evidence.Negative:
		return left(hopLogin, "not tried: Keymaker may not see users, and --negative tries whether user "+name+" is refused")
	case there && !live.suspended:
		p.evidence.Stop = ""
		return failed(hopLogin, reconcile.Hop{
			Text: "user " + name + " may log in, and the spec means that it may not", Expected: "status suspended", Came: "status active", Range: at,
			Likely: []string{"the user was activated in Neo4j, or the spec was not applied since"},
		})
	case !p.evidence.Negative:
		return left(hopLogin, "not tried: the spec suspends user "+name+", and --negative tries whether it is refused")
	}
	password, _ := p.object.Get(attrPassword).(reconcile.Secret)
	for _, m := range p.seen.members {
		err := p.byPassword(ctx, p.loginURI(m), name, password)
		switch {
		case err == nil || codeOf(err) == codeExpired: // which Neo4j says of a password that has to be changed, behind a login that it took
			p.evidence.Stop = ""
			return failed(hopLogin, reconcile.Hop{
				Text: m.address + " takes the password of a user whom the spec suspends", Expected: "a refusal", Came: "a session of user " + name, Range: at,
				Likely: []string{"the user was activated in Neo4j a moment ago", "the session comes from the authentication cache (dbms.security.auth_cache_ttl)"},
			})
		case codeOf(err) != codeUnauthorized:
			return left(hopLogin, "not decided: "+err.Error())
		}
	}
	return passed(hopLogin, "refused by "+countMembers(len(p.seen.members))+", as the spec means it: user "+name+" is suspended")
}

// byPassword logs in as a user with its password.
func (p *proof) byPassword(ctx context.Context, uri, name string, password reconcile.Secret) error {
	d, err := p.system.client.basic(uri, name, password)
	if err != nil {
		return err
	}
	defer d.Close(ctx)
	p.evidence.Run.Count(costLogin, 1)
	p.evidence.Run.Count(costQuery, 1)
	_, err = p.system.client.asBearer(ctx, d, uri, "SHOW CURRENT USER")
	return err
}
