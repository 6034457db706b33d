package neo4jtest

import "testing"

// inTx runs a statement in a transaction of the first member.
func inTx(t *testing.T, s *Server, timeoutMS int64) *tx {
	t.Helper()
	m := s.members[0].member
	p, failure := m.login(map[string]any{"scheme": "basic", "principal": "neo4j", "credentials": testPassword})
	if failure != nil {
		t.Fatal(failure)
	}
	opened, failure := m.begin(p, txOptions{db: "system", mode: "w", timeoutMS: timeoutMS})
	if failure != nil {
		t.Fatal(failure)
	}
	return opened.(*tx)
}

func TestSecondTransactionWaits(t *testing.T) {
	s := start(t, &Server{})
	first, second := inTx(t, s, 0), inTx(t, s, 0)
	if _, failure := first.run("CREATE ROLE a", nil); failure != nil {
		t.Fatal(failure)
	}
	if _, failure := second.run("CREATE ROLE b", nil); failure != nil {
		t.Fatalf("another role: %v", failure)
	}
	outcome := make(chan *Failure, 1)
	go func() {
		_, failure := second.run("CREATE ROLE a", nil)
		outcome <- failure
	}()
	if _, failure := first.commit(); failure != nil {
		t.Fatal(failure)
	}
	if failure := <-outcome; failure == nil || failure.Code != codeArgumentError {
		t.Errorf("after the wait: got %v, want Role already exists", failure)
	}
	second.rollback()
}

func TestWaitEndsWithTimeout(t *testing.T) {
	s := start(t, &Server{})
	first, second := inTx(t, s, 0), inTx(t, s, 1)
	if _, failure := first.run("CREATE ROLE a", nil); failure != nil {
		t.Fatal(failure)
	}
	if _, failure := second.run("CREATE ROLE a", nil); failure == nil || failure.Code != codeTxTimedOut {
		t.Errorf("got %v, want %s", failure, codeTxTimedOut)
	}
	second.rollback()
	first.rollback()
}

func TestDeadlockIsRefused(t *testing.T) {
	s := start(t, &Server{})
	first, second := inTx(t, s, 0), inTx(t, s, 0)
	for _, step := range []struct {
		tx   *tx
		text string
	}{{first, "CREATE ROLE a"}, {second, "CREATE ROLE b"}} {
		if _, failure := step.tx.run(step.text, nil); failure != nil {
			t.Fatal(failure)
		}
	}
	outcome := make(chan *Failure, 2)
	for _, step := range []struct {
		tx   *tx
		text string
	}{{first, "CREATE ROLE b"}, {second, "CREATE ROLE a"}} {
		go func() {
			_, failure := step.tx.run(step.text, nil)
			if failure != nil {
				step.tx.rollback()
			}
			outcome <- failure
		}()
	}
	one, two := <-outcome, <-outcome
	if (one == nil) == (two == nil) {
		t.Errorf("got %v and %v, want one deadlock", one, two)
	}
	first.rollback()
	second.rollback()
}

func TestAuthOff(t *testing.T) {
	s := start(t, &Server{ConfFile: confFile(t, "dbms.security.auth_enabled=false")})
	drv := admin(t, s)
	do(t, drv, "system", "CREATE IMMUTABLE ROLE fixed", "GRANT IMMUTABLE ACCESS ON DATABASE neo4j TO fixed", "REVOKE ACCESS ON DATABASE neo4j FROM fixed", "DROP ROLE fixed")
	wantRows(t, "current user", column(t, drv, "system", "SHOW CURRENT USER"), []any{})
}
