package neo4jtest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// userNamePattern is printable ASCII without comma, colon and white space.
var userNamePattern = regexp.MustCompile(`^[\x21-\x2b\x2d-\x39\x3b-\x7e]+$`)

var encryptedPattern = regexp.MustCompile(`^[0-9],[0-9a-fA-F]+,[0-9a-fA-F]+$`)

// maskedPassword is the outer status of a password that is refused.
var maskedPassword = cause{"22N05", "Invalid input '***' for password."}

func (r *runner) checkUserName(user string) *Failure {
	if user == "" {
		return r.dialect.argument("The provided username is empty.", false, cause{"22NB6", "Invalid input. Username is not allowed to be an empty string."})
	}
	if !userNamePattern.MatchString(user) {
		return r.dialect.argument("Username '"+user+"' contains illegal characters.\nUse ascii characters that are not ',', ':' or whitespaces.", true,
			cause{"22N05", "Invalid input '" + user + "' for username."}, cause{"22N82", "Input '" + user + "' contains invalid characters for username. Special characters may require that the input is quoted using backticks."})
	}
	return nil
}

// credential is the stored form of a password that was set.
func (r *runner) credential(spec *nativeSpec) (string, *Failure) {
	password, failure := r.password(*spec.password)
	if failure != nil {
		return "", failure
	}
	if spec.encrypted {
		if !encryptedPattern.MatchString(password) {
			return "", r.dialect.argument("Incorrect format of encrypted password. Correct format is '<encryption-version>,<hash>,<salt>'.", false, cause{"22N05", "Incorrect format of encrypted password."})
		}
		return password, nil
	}
	if failure := r.checkPassword(password); failure != nil {
		return "", failure
	}
	return newCredential(password), nil
}

// password is a password's text. A parameter that is null counts as missing, and a refusal does not repeat its value.
func (r *runner) password(n name) (string, *Failure) {
	value, given := r.params[n.param]
	if _, isText := value.(string); n.param == "" || !given || isText {
		return r.resolve(n)
	}
	if value == nil {
		return "", &Failure{Code: codeParameterMissing, Message: "Expected parameter(s): " + n.param}
	}
	kind, _, _ := strings.Cut(javaText(value), "(")
	return "", r.wrongType(n.param, "Expected password parameter $"+n.param+" to have type String but was "+kind, "******")
}

func (r *runner) checkPassword(password string) *Failure {
	if password == "" {
		return r.dialect.argument("A password cannot be empty.", false, cause{"22NB6", "Invalid input. Password is not allowed to be an empty string."})
	}
	if r.committing {
		return nil // the lock is held, and the length was checked when the statement ran
	}
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	least := atLeast(r.t.m.settings.value(settingMinimumLength))
	if len([]rune(password)) < least {
		return r.dialect.argument("A password must be at least "+strconv.Itoa(least)+" characters.", true,
			maskedPassword, cause{"22N85", "Expected the string to be at least " + strconv.Itoa(least) + " characters long."})
	}
	return nil
}

func (r *runner) createUser(cmd userCmd) *Failure {
	user, failure := r.resolve(cmd.user)
	if failure != nil {
		return failure
	}
	if failure := r.checkUserName(user); failure != nil {
		return failure
	}
	have := r.store.users[user]
	switch {
	case have != nil && cmd.ifExists:
		return nil
	case have != nil && !cmd.replace:
		return r.dialect.argument("Failed to create the specified user '"+user+"': User already exists.", false, invalidSyntax, userExists(user))
	case have != nil && user == r.t.who.user:
		return r.dialect.argument("Failed to replace the specified user '"+user+"': Deleting yourself is not allowed.", true, cause{"42N99", "Cannot delete the user record of the current user."})
	}
	u := &userRecord{name: user, external: map[string]string{}}
	if cmd.native != nil {
		credential, failure := r.credential(cmd.native)
		if failure != nil {
			return failure
		}
		u.native = &nativeAuth{credential, cmd.native.change == nil || *cmd.native.change}
	}
	delete(r.store.users, user) // its provider ids are free again
	if failure := r.finishUser(cmd, u, "create"); failure != nil {
		return failure
	}
	r.store.users[user] = u
	r.updates++
	if have != nil {
		r.updates++
	}
	return nil
}

// finishUser sets what CREATE and ALTER have in common.
func (r *runner) finishUser(cmd userCmd, u *userRecord, verb string) *Failure {
	if cmd.tagsTouched {
		return &Failure{Code: CodeNotEmulated, Message: "not emulated: user tags"}
	}
	for _, e := range cmd.external {
		id, failure := r.resolve(e.id)
		if failure != nil {
			return failure
		}
		for _, other := range sortedNames(r.store.users) {
			if have, ok := r.store.users[other].external[e.provider]; ok && have == id && other != u.name {
				return r.dialect.argument("Failed to "+verb+" the specified user '"+u.name+"': The combination of provider and id is already in use.", false, invalidSyntax,
					cause{"42N95", "The combination of provider `" + e.provider + "` and id `" + id + "` is already in use."})
			}
		}
		u.external[e.provider] = id
		r.noteProvider(e.provider)
	}
	if cmd.suspended != nil {
		u.suspended = *cmd.suspended
	}
	if cmd.removeHome {
		u.home = ""
	}
	if cmd.home != nil {
		home, failure := r.resolve(*cmd.home)
		if failure != nil {
			return failure
		}
		u.home = strings.ToLower(home)
	}
	return nil
}

// noteProvider hints at providers that the configuration does not know. It speaks when the statement runs only: at commit the lock is held.
func (r *runner) noteProvider(provider string) {
	if r.committing {
		return
	}
	r.d.mu.Lock()
	configured := splitList(r.t.m.settings.value(settingAuthentication))
	r.d.mu.Unlock()
	command := "SET AUTH '" + provider + "'"
	external := false
	for _, p := range configured {
		external = external || p != "native"
	}
	if !external {
		r.note("01N71", "ExternalAuthNotEnabled", "WARNING", command, "Use setting `dbms.security.require_local_user` and an external provider to enable external auth.")
	}
	if !hasString(configured, provider) {
		r.note("00N72", "AuthProviderNotDefined", "INFORMATION", command, "The auth provider `"+provider+"` is not defined in the configuration.")
	}
}

func (r *runner) alterUser(cmd userCmd) *Failure {
	user, failure := r.resolve(cmd.user)
	if failure != nil {
		return failure
	}
	if r.store.users[user] == nil {
		if cmd.ifExists {
			return nil
		}
		c := cmd.user.chain(userMissing(user))
		if !r.dialect.calendar {
			c = []cause{{gql: "42002"}, userMissing(user)}
		}
		return r.dialect.argument("Failed to alter the specified user '"+user+"': User does not exist.", true, c...)
	}
	if cmd.suspended != nil && user == r.t.who.user {
		return r.dialect.argument("Failed to alter the specified user '"+user+"': Changing your own activation status is not allowed.", true, cause{"42N98", "Cannot modify the user record of the current user."})
	}
	u := r.store.editUser(user)
	if failure := r.removeAuth(cmd, u); failure != nil {
		return failure
	}
	if failure := r.alterNative(cmd, u); failure != nil {
		return failure
	}
	if failure := r.finishUser(cmd, u, "alter"); failure != nil {
		return failure
	}
	if u.native == nil && len(u.external) == 0 {
		return r.dialect.argument("Failed to alter the specified user '"+user+"': User has no auth provider. Add at least one auth provider for the user or consider suspending them.", false,
			invalidSyntax, cause{"42N96", "User has no auth provider. Add at least one auth provider for the user or consider suspending them."})
	}
	r.updates++
	return nil
}

func (r *runner) removeAuth(cmd userCmd, u *userRecord) *Failure {
	if cmd.removeAll {
		u.native, u.external = nil, map[string]string{}
	}
	for _, list := range cmd.removeAuth {
		names := list.names
		if list.param != "" {
			var failure *Failure
			if names, failure = providerParam(list.param, r.params[list.param]); failure != nil {
				return failure
			}
		}
		for _, p := range names {
			if p == "native" {
				u.native = nil
			}
			delete(u.external, p)
		}
	}
	return nil
}

func providerParam(param string, value any) ([]string, *Failure) {
	list := groupList(value)
	for _, p := range list {
		if p == "" {
			list = nil
			break
		}
	}
	if len(list) == 0 {
		return nil, &Failure{Code: codeArgumentError, Message: "Expected parameter $" + param + " to be a non-empty String or a non-empty List of non-empty Strings."}
	}
	return list, nil
}

func (r *runner) alterNative(cmd userCmd, u *userRecord) *Failure {
	if cmd.native == nil {
		return nil
	}
	if cmd.native.password == nil {
		if u.native == nil {
			return r.dialect.argument("Failed to alter the specified user '"+u.name+"': Clause `SET PASSWORD` is mandatory for auth provider `native`.", true, invalidSyntax,
				cause{"42N97", "Clause `SET PASSWORD` is mandatory for auth provider `native`."})
		}
		u.native.changeRequired = *cmd.native.change
		return nil
	}
	plain, failure := r.password(*cmd.native.password)
	if failure != nil {
		return failure
	}
	if u.native != nil && !cmd.native.encrypted && passwordMatches(u.native.credential, plain) {
		return r.samePassword("Failed to alter the specified user '" + u.name + "': Old password and new password cannot be the same.")
	}
	credential, failure := r.credential(cmd.native)
	if failure != nil {
		return failure
	}
	required := u.native == nil || u.native.changeRequired
	if cmd.native.change != nil {
		required = *cmd.native.change
	}
	u.native = &nativeAuth{credential, required}
	return nil
}

func (r *runner) samePassword(message string) *Failure {
	return r.dialect.argument(message, true, maskedPassword, cause{"22N89", "Expected the new password to be different from the old password."})
}

func (r *runner) renameUser(cmd renameCmd) *Failure {
	from, failure := r.resolve(cmd.from)
	if failure != nil {
		return failure
	}
	to, failure := r.resolve(cmd.to)
	if failure != nil {
		return failure
	}
	if failure := r.checkUserName(to); failure != nil {
		return failure
	}
	prefix := "Failed to rename the specified user '" + from + "' to '" + to + "': "
	missing, exists := cmd.from.chain(userMissing(from)), []cause{invalidSyntax, userExists(to)}
	if !r.dialect.calendar { // 5.26 mixes up its own texts
		missing, exists = []cause{userMissing("User")}, []cause{userExists("User"), {defaultStatus, "Unexpected error has occurred. See debug log for details."}}
	}
	switch {
	case r.store.users[from] == nil && cmd.ifExists:
		return nil
	case r.store.users[from] == nil:
		return r.dialect.argument(prefix+"The user '"+from+"' does not exist.", true, missing...)
	case r.store.users[to] != nil && to != from:
		return r.dialect.argument(prefix+"User '"+to+"' already exists.", true, exists...)
	}
	u := r.store.editUser(from)
	u.name = to
	delete(r.store.users, from)
	r.store.users[to] = u
	r.updates++
	return nil
}

func (r *runner) dropUser(cmd dropUserCmd) *Failure {
	user, failure := r.resolve(cmd.user)
	if failure != nil {
		return failure
	}
	switch {
	case r.store.users[user] == nil && cmd.ifExists:
		return nil
	case r.store.users[user] == nil:
		return r.dialect.argument("Failed to delete the specified user '"+user+"': User does not exist.", false, cmd.user.chain(userMissing(user))...)
	case user == r.t.who.user && r.t.who.provider == "":
		return r.dialect.argument("Failed to delete the specified user '"+user+"': Deleting yourself is not allowed.", true, cause{"42N99", "Cannot delete the user record of the current user."})
	}
	delete(r.store.users, user)
	r.updates++
	return nil
}

func (r *runner) alterCurrentUser(cmd alterCurrentUserCmd) *Failure {
	user := r.t.who.user
	from, failure := r.password(cmd.from)
	if failure != nil {
		return failure
	}
	to, failure := r.password(cmd.to)
	if failure != nil {
		return failure
	}
	prefix := "User '" + user + "' failed to alter their own password: "
	have := r.store.users[user]
	switch {
	case have == nil || have.native == nil || r.t.who.provider != "" && !r.t.who.local:
		return r.dialect.argument(prefix+"User does not exist.", false, invalidSyntax, userMissing(user))
	case !passwordMatches(have.native.credential, from):
		return r.dialect.argument(prefix+"Invalid principal or credentials.", false, cause{"42NFF", "Access denied, see the security logs for details."})
	case from == to:
		return r.samePassword(prefix + "Old password and new password cannot be the same.")
	}
	if failure := r.checkPassword(to); failure != nil {
		return failure
	}
	u := r.store.editUser(user)
	u.native = &nativeAuth{newCredential(to), false}
	r.updates++
	return nil
}

// userCommand is a user's row of SHOW USERS AS COMMANDS. It holds the password's hash.
func userCommand(u *userRecord) string {
	text := "CREATE USER " + plainOrQuoted(u.name)
	if u.native != nil {
		text += fmt.Sprintf(" SET AUTH PROVIDER 'native' { SET ENCRYPTED PASSWORD '%s'", escapeString(u.native.credential, '\''))
		if !u.native.changeRequired {
			text += " SET PASSWORD CHANGE NOT REQUIRED"
		}
		text += " }"
	}
	for _, p := range sortedNames(u.external) {
		text += fmt.Sprintf(" SET AUTH PROVIDER '%s' { SET ID '%s' }", escapeString(p, '\''), escapeString(u.external[p], '\''))
	}
	if u.suspended {
		text += " SET STATUS SUSPENDED"
	}
	if u.home != "" {
		text += " SET HOME DATABASE " + plainOrQuoted(u.home)
	}
	return text
}
