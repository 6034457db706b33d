package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/joho/godotenv"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdToken asks the emulated org for a token with the credentials in a delivered file, and keeps it in another: token ENV FILE SCOPE.
func cmdToken(ts *testscript.TestScript, _ bool, args []string) {
	values, err := godotenv.Unmarshal(ts.ReadFile(args[0]))
	ts.Check(err)
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {args[2]}}
	req, err := http.NewRequest(http.MethodPost, ts.Getenv("OKTA_CLIENT_ORGURL")+"/oauth2/default/v1/token", strings.NewReader(form.Encode()))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(values["OKTA_CLIENT_ID"], values["OKTA_CLIENT_SECRET"])
	answer, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer answer.Body.Close()
	var said struct {
		Token string `json:"access_token"`
	}
	ts.Check(json.NewDecoder(answer.Body).Decode(&said))
	if said.Token == "" {
		ts.Fatalf("no token: %s", answer.Status)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(said.Token+"\n"), 0o600))
}
