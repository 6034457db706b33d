package neo4jtest

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Layouts of the security log file.
const (
	LayoutPlain = "plain" // as servers write it unless told otherwise: time, level, [user]: message
	LayoutJSON  = "json"  // one object a line, as JsonTemplateLayout writes it
)

// settingLogSuccess says whether logins that succeed are logged too.
const settingLogSuccess = "dbms.security.log_successful_authentication"

// securityEvent is an entry of the security log (Operations Manual, "Configure the security log").
type securityEvent struct {
	level    string // INFO, ERROR, DEBUG
	source   string // the connection
	database string // "" for events that are about none
	user     string // who acts
	login    string // who logged in; differs under impersonation only
	message  string
}

// securityLogTime is the form of times in either layout.
const securityLogTime = "2006-01-02 15:04:05.000+0000"

// plain is the entry without its time.
func (e securityEvent) plain() string {
	who := e.user
	if e.login != e.user {
		who = e.login + ":" + e.user
	}
	return fmt.Sprintf("%-5s [%s]: %s", e.level, who, e.message)
}

// json is the entry with its time, as one line.
func (e securityEvent) json(at string) (string, error) {
	line, err := json.Marshal(struct {
		Time      string `json:"time"`
		Level     string `json:"level"`
		Type      string `json:"type"`
		Source    string `json:"source"`
		Database  string `json:"database,omitempty"`
		Executing string `json:"executingUser"`
		Login     string `json:"authenticatedUser"`
		Message   string `json:"message"`
	}{at, e.level, "security", e.source, e.database, e.user, e.login, e.message})
	return string(line), err
}

// log adds a line to the security log: a name or a statement with line breaks cannot make two of it.
func (d *dbms) log(e securityEvent) {
	e.user, e.login, e.message = oneLine(e.user), oneLine(e.login), oneLine(e.message)
	if e.login == "" {
		e.login = e.user
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.now().UTC().Format(securityLogTime)
	line := at + " " + e.plain()
	d.logLines = append(d.logLines, line)
	if d.logFile == nil {
		return
	}
	if d.logJSON {
		if text, err := e.json(at); err == nil {
			line = text
		}
	}
	_, _ = d.logFile.WriteString(line + "\n") // a full disk stops no server
}

func oneLine(s string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)
}

// openSecurityLog opens the file that the log goes to, to add to what it holds.
func (d *dbms) openSecurityLog(file, layout string) error {
	switch layout {
	case "", LayoutPlain:
	case LayoutJSON:
		d.logJSON = true
	default:
		return fmt.Errorf("security log layout %q is neither %s nor %s", layout, LayoutPlain, LayoutJSON)
	}
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open security log: %w", err)
	}
	d.logFile = f
	return nil
}

// source is what the log says about a connection to the member.
func (m *member) source() string { return "bolt-session\tbolt\t\t\t\tserver/" + m.advertised + ">" }

func (m *member) loggedIn(user string) {
	if m.setting(func(s *settings) bool { return s.enabled(settingLogSuccess) }) {
		m.dbms.log(securityEvent{level: "INFO", source: m.source(), user: user, message: "logged in"})
	}
}

func (m *member) refusedLogin(user, why string) {
	m.dbms.log(securityEvent{level: "ERROR", source: m.source(), user: user, message: "failed to log in: " + why})
}

// audit logs what a statement asked of the security store: administration commands that ran, whatever becomes of their transaction, and refusals for want of a privilege.
func (t *tx) audit(stmt *statement, failure *Failure) {
	e := securityEvent{source: t.m.source(), database: t.db, user: t.who.user, login: t.who.acting, level: "INFO"}
	switch {
	case stmt.explain:
		return
	case failure != nil && failure.Code == codeForbidden:
		e.level, e.message = "ERROR", failure.Message
	case failure == nil && t.kind == kindAdmin:
		e.database = systemDatabase
		e.message = strings.ReplaceAll(maskSecrets(stmt.text), mask, "'********'")
	default:
		return
	}
	t.m.dbms.log(e)
}
