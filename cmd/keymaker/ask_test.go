package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	driver "github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// asker asks the servers what an account may do, by doing it: it gets tokens, logs in with them, and tries things.
//
// Only a refusal is a no. Whatever else goes wrong, a connection that is reset or a limit that is reached, says nothing about access, and is an error.
type asker struct {
	dir string // where the clients' secrets are
	drv driver.DriverWithContext
}

func (b *bench) asker() *asker {
	b.t.Helper()
	drv, err := driver.NewDriverWithContext(b.box.neo4j.URL, driver.BasicAuth("neo4j", b.box.kept.Neo4jPassword, ""))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = drv.Close(context.Background()) })
	return &asker{dir: b.dir, drv: drv}
}

// token asks for a token as a client does; "" when it is refused.
func (a *asker) token(app, client, issuer, scopes string) (string, error) {
	data, err := os.ReadFile(filepath.Join(a.dir, app+".env"))
	if err != nil {
		return "", err
	}
	secret := ""
	for line := range strings.Lines(string(data)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "OKTA_CLIENT_SECRET="); ok {
			secret = strings.Trim(v, `"'`)
		}
	}
	req, err := http.NewRequest(http.MethodPost, issuer+"/v1/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}, "scope": {scopes}}.Encode()))
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(client, secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	var got struct {
		Token string `json:"access_token"`
		Type  string `json:"token_type"`
		Error string `json:"error"`
	}
	switch err := json.Unmarshal(body, &got); {
	case err == nil && answer.StatusCode == http.StatusOK && got.Type == "Bearer" && got.Token != "":
		return got.Token, nil
	case err == nil && answer.StatusCode >= 400 && answer.StatusCode < 404 && got.Error != "":
		return "", nil
	}
	return "", fmt.Errorf("token endpoint of %s: %s: %s", issuer, answer.Status, body)
}

// refused tells a refusal, by one of the codes, from an accident.
func refused(err error, codes ...string) (bool, error) {
	var failure *driver.Neo4jError
	if errors.As(err, &failure) && slices.Contains(codes, failure.Code) {
		return true, nil
	}
	return false, err
}

// as opens a session with a login, which is another user on a connection of the pool. One that the server has closed, as it does after a refused login, is found out only
// when it is used: that is tried again.
func (a *asker) as(ctx context.Context, auth driver.AuthToken, database string, use func(driver.SessionWithContext) error) error {
	for try := 1; ; try++ {
		s := a.drv.NewSession(ctx, driver.SessionConfig{DatabaseName: database, Auth: &auth})
		err := use(s)
		_ = s.Close(ctx)
		if lost := (*driver.ConnectivityError)(nil); try == 3 || !errors.As(err, &lost) {
			return err
		}
	}
}

// roles logs in; false when that is refused.
func (a *asker) roles(ctx context.Context, auth driver.AuthToken) (roles []string, in bool, err error) {
	err = a.as(ctx, auth, "system", func(s driver.SessionWithContext) error {
		r, err := s.Run(ctx, "SHOW CURRENT USER YIELD roles", nil)
		if err != nil {
			return err
		}
		row, err := r.Single(ctx)
		if err != nil {
			return err
		}
		for _, v := range row.Values[0].([]any) {
			roles = append(roles, v.(string))
		}
		return nil
	})
	if err != nil {
		_, err = refused(err, "Neo.ClientError.Security.Unauthorized")
		return nil, false, err
	}
	slices.Sort(roles)
	return roles, true, nil
}

// does tries a deed; false when it is refused, or shows nothing. Nothing stays.
func (a *asker) does(ctx context.Context, auth driver.AuthToken, d deed) (done bool, err error) {
	err = a.as(ctx, auth, d.database, func(s driver.SessionWithContext) error {
		tx, err := s.BeginTransaction(ctx)
		if err != nil {
			return err
		}
		defer tx.Close(ctx)
		done, err = d.run(ctx, tx)
		return err
	})
	if err != nil {
		_, err = refused(err, "Neo.ClientError.Security.Forbidden")
		return false, err
	}
	return done, nil
}

// deed is what is tried with a login, and the privileges that it takes by keymaker's reckoning.
type deed struct {
	database, statement string
	writes              bool
	questions           []string
}

func (d deed) run(ctx context.Context, tx driver.ExplicitTransaction) (bool, error) {
	r, err := tx.Run(ctx, d.statement, nil)
	if err != nil {
		return false, err
	}
	if d.writes {
		sum, err := r.Consume(ctx)
		return err == nil && sum.Counters().ContainsUpdates(), err
	}
	rows, err := r.Collect(ctx)
	return slices.ContainsFunc(rows, func(row *driver.Record) bool { return row.Values[0] != nil && row.Values[0] != int64(0) }), err
}

func deeds() []deed {
	return []deed{
		{"neo4j", "MATCH (n:Person) RETURN n.name", false, []string{"READ {name} ON GRAPH neo4j NODES Person"}},
		{"neo4j", "MATCH (n:Person) RETURN n.ssn", false, []string{"READ {ssn} ON GRAPH neo4j NODES Person"}},
		{"neo4j", "MATCH (n:Secret) RETURN count(n)", false, []string{"TRAVERSE ON GRAPH neo4j NODES Secret"}},
		{"neo4j", "CREATE (n:Person)", true, []string{"CREATE ON GRAPH neo4j NODES Person"}},
		{"neo4j", "MATCH (n:Person) SET n.name = 'other'", true, []string{"SET PROPERTY {name} ON GRAPH neo4j NODES Person", "TRAVERSE ON GRAPH neo4j NODES Person"}},
		{"system", "SHOW ROLES", false, []string{"SHOW ROLE ON DBMS"}},
	}
}

// What is no refusal is no answer: an asker that took a reset connection for a no once made keymaker look wrong.
func TestAskerTellsRefusalsFromAccidents(t *testing.T) {
	answers := map[string]struct {
		status   int
		body     string
		accident bool
	}{
		"refused":     {http.StatusBadRequest, `{"error":"access_denied","error_description":"no"}`, false},
		"no client":   {http.StatusUnauthorized, `{"error":"invalid_client"}`, false},
		"too many":    {http.StatusTooManyRequests, `{"errorCode":"E0000047"}`, true},
		"broken":      {http.StatusInternalServerError, `{"error":"server_error"}`, true},
		"no document": {http.StatusBadRequest, `<html>`, true},
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.env"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, answer := range answers {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(answer.status)
			_, _ = io.WriteString(w, answer.body)
		}))
		token, err := (&asker{dir: dir}).token("app", "client", server.URL, "s1")
		server.Close()
		if token != "" || (err != nil) != answer.accident {
			t.Errorf("%s: token %q, error %v; want an error: %t", name, token, err, answer.accident)
		}
	}
	if no, err := refused(&driver.Neo4jError{Code: "Neo.ClientError.Security.Forbidden"}, "Neo.ClientError.Security.Forbidden"); !no || err != nil {
		t.Errorf("a refusal is told as %t, %v", no, err)
	}
	reset := &driver.ConnectivityError{Inner: errors.New("connection reset by peer")}
	if no, err := refused(reset, "Neo.ClientError.Security.Forbidden"); no || err == nil {
		t.Errorf("a connection that is reset is told as %t, %v", no, err)
	}
}
