package okta

import (
	"net/url"

	"keymaker/reconcile"
)

// see is the command that shows more of an object that is not as it should be: its plan, where that has something to say, else the request that shows what Okta has. What the
// spec leaves out is in no plan.
func (p *proof) see(addr reconcile.Addr, path string) string {
	if p.differing()[addr] {
		return reconcile.SeePlan(addr)
	}
	return p.ask(path)
}

// ask is the command that makes a request of the management API, as an administrator who has an API token makes it.
func (p *proof) ask(path string) string {
	return `curl -sS -H "Authorization: SSWS $OKTA_CLIENT_TOKEN" ` + reconcile.ShellWord(p.system.client.settings.org.String()+path)
}

// seeApp shows the app.
func (p *proof) seeApp() string {
	return p.see(p.app.Addr, "/api/v1/apps/"+url.PathEscape(textOf(p.app.Facts["id"])))
}

// serverPath is where the management API has the account's authorization server.
func (p *proof) serverPath() string {
	return "/api/v1/authorizationServers/" + url.PathEscape(p.server())
}
