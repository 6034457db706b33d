package okta

import (
	"context"
	"net/http"
	"net/url"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// client compares the app with what a login takes. It is read for each account: nothing that others share says it.
func (p *proof) client(ctx context.Context) reconcile.Hop {
	id, _ := p.app.Facts["id"].(reconcile.Text)
	see := reconcile.SeePlan(p.app.Addr)
	if id == "" {
		h := bad(hopClient, "the app is not in Okta")
		h.Expected, h.Came = "an app "+nameOf(p.app), "none of that label"
		h.Likely = []string{"the spec was not applied yet, or the app was deleted or renamed in Okta"}
		h.See = see
		return h
	}
	p.evidence.Run.Count(costRequest, 1)
	one, err := p.system.client.get(ctx, "/api/v1/apps/"+url.PathEscape(string(id)))
	if isStatus(err, http.StatusNotFound) {
		h := bad(hopClient, "the app is not in Okta any more")
		h.Expected, h.Came, h.Likely, h.See = "an app "+nameOf(p.app), "404 for its id "+string(id), []string{"it was deleted a moment ago"}, see
		return h
	}
	if err != nil {
		return refused(hopClient, err)
	}
	meant := p.app.TextAttr(attrMethod)
	status, method := one.text("status"), one.text("credentials", "oauthClient", "token_endpoint_auth_method")
	p.app.Set(reconcile.Attr{Name: attrMethod, Value: reconcile.Text(method)})
	clientID := one.text("credentials", "oauthClient", "client_id")
	p.app.Facts, p.keys = factsOf(kindApp, one), knownKeys(one)
	where := func(attr string) hcl.Range { return p.system.recall().attrRange(p.app, attr) }
	h := bad(hopClient, "%s is not fit for a login", clientID)
	h.See = p.seeApp()
	switch grants := one.at("settings", "oauthClient", "grant_types"); {
	case p.account.Disabled != "" && status == inactive:
		p.evidence.Stop = p.account.Disabled
		return good(hopClient, "%s is inactive, as the spec means it", clientID)
	case p.account.Disabled != "":
		h.Text = clientID + " is in use, and the spec means that it is not"
		h.Expected, h.Came = "status "+inactive, "status "+status
		h.Likely, h.Range = []string{"it was switched on in Okta, or the spec was not applied since"}, where(attrStatus)
	case status != active:
		h.Expected, h.Came = "status "+active, "status "+status
		h.Likely, h.Range = []string{"it was deactivated in Okta: it gets no token until it is activated again"}, where(attrStatus)
	case one.flag("settings", "oauthClient", "dpop_bound_access_tokens"):
		h.Expected, h.Came = "no DPoP", "dpop_bound_access_tokens is true"
		h.Likely = []string{"the app was made in Okta's console, which switches DPoP on; Neo4j takes no DPoP-bound token"}
		h.Range = where(attrDPoP)
	case !contains(grants, reconcile.Text(grantMachine)):
		h.Expected, h.Came = "the grant client_credentials", "grant_types "+shown(grants)
		h.Likely, h.Range = []string{"the grant was taken from the app in Okta"}, where(attrGrants)
	case meant != "" && meant != method:
		h.Expected, h.Came = "token_endpoint_auth_method "+meant, "token_endpoint_auth_method "+method
		h.Likely = []string{"it was changed in Okta: whoever logs in as the app by " + meant + " is refused"}
		h.Range = where(attrMethod)
	default:
		return good(hopClient, "%s active, %s, no DPoP", clientID, method)
	}
	return h
}
