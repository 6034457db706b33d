package oktatest_test

import (
	"os/exec"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
)

// curl, unmodified, reads and writes, asks for a token and checks it, as people do by hand.
func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("install curl to run this")
	}
	g := startGraph(t, &oktatest.Server{}, serviceApp)
	run := func(want string, args ...string) {
		t.Helper()
		out, err := exec.Command(curl, append([]string{"--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--include"}, args...)...).CombinedOutput()
		if err != nil || !strings.Contains(strings.ReplaceAll(string(out), "\r", ""), want) {
			t.Errorf("curl %v: %v, lacks %s:\n%s", args, err, want, out)
		}
	}
	auth := []string{"-H", "Authorization: SSWS " + g.org.Token, "-H", "Content-Type: application/json"}
	run(`"id":"`+g.app+`"`, append(auth, g.org.URL+"/api/v1/apps/"+g.app)...)
	run("HTTP/1.1 200", append(auth, "-X", "POST", "-d", `{"name":"oidc_client","label":"by curl","signOnMode":"OPENID_CONNECT","settings":{"oauthClient":{"application_type":"service","grant_types":["client_credentials"],"response_types":["token"]}}}`,
		g.org.URL+"/api/v1/apps")...)
	run("HTTP/1.1 404", append(auth, g.org.URL+"/api/v1/apps/0oaNOPE")...)
	run(`"errorCode":"E0000011"`, g.org.URL+"/api/v1/apps")
	run(`"token_type":"Bearer"`, "-u", g.clientID+":"+g.secret, "-d", "grant_type=client_credentials&scope=neo4j_groups", g.org.URL+tokenPath)
	run(`"active":true`, "-u", g.clientID+":"+g.secret, "-d", "token="+g.ask("neo4j_groups").text("access_token"), g.org.URL+strings.Replace(tokenPath, "token", "introspect", 1))
	run(`"issuer":"`+g.org.URL+`/oauth2/default"`, g.org.URL+"/oauth2/default/.well-known/openid-configuration")
}
