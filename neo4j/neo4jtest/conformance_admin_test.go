package neo4jtest

func userConversations() []conversation {
	return []conversation{
		{name: "create user", hold: func(s *stage) {
			s.dropUsers("conf-a", "conf-b", "U1")
			c := s.admin(v58)
			c.system(
				"CREATE USER `conf-a` SET PASSWORD 'some-password'",
				"CREATE USER `conf-a` SET PASSWORD 'some-password'",
				"CREATE USER `conf-a` IF NOT EXISTS SET PASSWORD 'some-password'",
				"CREATE OR REPLACE USER `conf-a` SET PASSWORD 'some-password' CHANGE NOT REQUIRED",
				"CREATE OR REPLACE USER `conf-b` SET PLAINTEXT PASSWORD 'some-password' SET PASSWORD CHANGE REQUIRED",
				"CREATE OR REPLACE USER `conf-b` IF NOT EXISTS SET PASSWORD 'some-password'",
				"CREATE USER U1 SET AUTH 'native' { SET PASSWORD 'some-password' SET PASSWORD CHANGE NOT REQUIRED }",
				"SHOW USERS", "SHOW USERS WITH AUTH", "SHOW USERS YIELD *", "SHOW USERS WITH AUTH YIELD *",
				"SHOW USERS YIELD user, passwordChangeRequired AS p WHERE p RETURN user ORDER BY user DESC",
				"SHOW USERS YIELD user ORDER BY user SKIP 1 LIMIT 1", "SHOW USERS YIELD user RETURN count(*) AS n", "SHOW USERS WHERE user STARTS WITH 'conf'",
				"SHOW USERS WITH AUTH YIELD user, provider, auth RETURN user, collect({p: provider, c: auth.changeRequired}) AS a ORDER BY user",
				"SHOW USERS YIELD nosuch", "SHOW USERS WHERE nosuch = 1", "SHOW USER", "SHOW CURRENT USER", "SHOW CURRENT USER YIELD user", "SHOW CURRENT USER YIELD *",
				"DROP USER `conf-a`", "DROP USER `conf-a`", "DROP USER `conf-a` IF EXISTS", "DROP USER `conf-b` IF EXISTS", "DROP USER U1",
			)
			c.run("neo4j", "SHOW CURRENT USER", nil)
			c.run("", "SHOW USERS YIELD user", nil)
		}},
		{name: "create user, refused", hold: func(s *stage) {
			s.withUsers("conf-a")
			c := s.admin(v58)
			c.system(
				"CREATE USER `` SET PASSWORD 'some-password'", "CREATE USER `a b` SET PASSWORD 'some-password'", "CREATE USER `a,b` SET PASSWORD 'some-password'",
				"CREATE USER `é` SET PASSWORD 'some-password'", "CREATE USER `conf-x` SET PASSWORD ''", "CREATE USER `conf-x` SET PASSWORD 'short'",
				"CREATE USER `conf-x`", "CREATE USER `conf-x` SET STATUS ACTIVE", "CREATE USER `conf-x` SET HOME DATABASE neo4j",
				"CREATE USER `conf-x` SET PASSWORD CHANGE REQUIRED", "CREATE USER `conf-x` SET PASSWORD 'some-password' SET STATUS SUSPENDED",
				"CREATE USER `conf-x` SET PASSWORD 'some-password' SET HOME DATABASE neo4j", "CREATE USER `conf-x` SET AUTH 'oidc-x' { SET ID 'a' }",
				"CREATE USER `conf-x` SET AUTH 'native' { SET ID 'a' }", "CREATE USER `conf-x` SET AUTH 'oidc-x' { SET PASSWORD 'some-password' }",
				"CREATE USER `conf-x` SET AUTH '' { SET ID 'a' }", "CREATE USER `conf-x` SET AUTH 'native' { }",
				"CREATE USER `conf-x` SET PASSWORD 'some-password' SET AUTH 'native' { SET PASSWORD 'some-password' }",
				"CREATE USER `conf-x` SET PASSWORD 'some-password' SET PASSWORD 'some-password'",
				"CREATE USER `conf-x` SET ENCRYPTED PASSWORD 'nonsense'", "CREATE USER `conf-x` SET PASSWORD 1", "CREATE USER 'conf-x' SET PASSWORD 'some-password'",
				"CREATE USERS `conf-x` SET PASSWORD 'some-password'",
			)
			c.run("system", "CREATE USER $u SET PASSWORD $p", dict{"u": "conf-a", "p": "some-password"})
			c.run("system", "CREATE USER $u SET PASSWORD $p", dict{"u": 1, "p": "some-password"})
			c.run("system", "CREATE USER $u SET PASSWORD $p", dict{"u": "conf-x", "p": 1})
			c.run("system", "CREATE USER $u SET PASSWORD $p", dict{"u": "conf-x", "p": nil})
			c.run("system", "CREATE USER $u SET PASSWORD $p", dict{"u": "conf-x"})
			c.run("system", "CREATE USER $u SET PASSWORD $p", nil)
			c.run("system", "CREATE USER $u SET PASSWORD $p", dict{"u": "a b", "p": "some-password"})
			c.run("system", "CREATE USER $u SET PASSWORD $p", dict{"u": "conf-x", "p": "short"})
			c.run("system", "CREATE USER $u SET PASSWORD $p CHANGE NOT REQUIRED", dict{"u": "conf-x", "p": "some-password", "unused": 1})
			c.run("system", "DROP USER $u", dict{"u": "conf-x"})
			c.run("system", "DROP USER $u", dict{"u": "conf-x"})
			c.run("system", "DROP USER $u IF EXISTS", dict{"u": "conf-x"})
			c.run("system", "DROP USER $u", dict{"u": 1})
		}},
		{name: "alter user", hold: func(s *stage) {
			s.withUsers("conf-a", "conf-self")
			c := s.logOn(v58, "conf-self", "first-password")
			c.system(
				"ALTER USER `conf-a` SET PASSWORD 'second-password'", "ALTER USER `conf-a` SET PASSWORD 'second-password'", "ALTER USER `conf-a` SET PASSWORD CHANGE REQUIRED",
				"SHOW USERS YIELD user, passwordChangeRequired WHERE user = 'conf-a'",
				"ALTER USER `conf-a` SET PASSWORD 'third-password' CHANGE NOT REQUIRED", "ALTER USER `conf-a` SET AUTH 'native' { SET PASSWORD 'third-password' }",
				"ALTER USER `conf-a` SET AUTH 'native' { SET PASSWORD CHANGE REQUIRED }", "ALTER USER nobody SET PASSWORD 'some-password'",
				"ALTER USER nobody IF EXISTS SET PASSWORD 'some-password'", "ALTER USER `conf-a`", "ALTER USER `conf-a` SET PASSWORD 'short'", "ALTER USER `conf-a` SET PASSWORD ''",
				"ALTER USER `conf-a` SET STATUS SUSPENDED", "ALTER USER `conf-self` SET STATUS SUSPENDED", "ALTER USER `conf-a` SET HOME DATABASE neo4j", "ALTER USER `conf-a` REMOVE HOME DATABASE",
				"ALTER USER `conf-a` SET AUTH 'oidc-x' { SET ID 'a' }", "ALTER USER `conf-a` REMOVE AUTH 'native'", "ALTER USER `conf-a` REMOVE ALL AUTH", "ALTER USER `conf-a` REMOVE AUTH ''",
				"ALTER CURRENT USER SET PASSWORD FROM 'wrong-password' TO 'some-password'", "ALTER CURRENT USER SET PASSWORD FROM 'first-password' TO 'first-password'",
				"ALTER CURRENT USER SET PASSWORD FROM 'first-password' TO ''", "ALTER CURRENT USER SET PASSWORD FROM 'first-password' TO 'other-password'",
				"DROP USER `conf-self`", "CREATE OR REPLACE USER `conf-self` SET PASSWORD 'some-password'",
			)
			c.run("system", "ALTER USER $u SET PASSWORD $credentials", dict{"u": "nobody", "credentials": "some-password"})
			c.run("system", "ALTER USER $u SET PASSWORD $credentials", dict{"u": "conf-a", "credentials": 5})
		}},
		{name: "rename user", hold: func(s *stage) {
			s.withUsers("conf-a", "conf-b", "conf-c")
			c := s.logOn(v58, "conf-b", "first-password")
			c.system(
				"RENAME USER `conf-a` TO `conf-b`", "RENAME USER nobody TO other", "RENAME USER nobody IF EXISTS TO other", "RENAME USER `conf-a` TO `a b`", "RENAME USER `conf-a` TO ``",
				"DROP USER `conf-c`", "RENAME USER `conf-a` TO `conf-c`", "SHOW USERS YIELD user", "RENAME USER `conf-b` TO `conf-a`", "SHOW CURRENT USER", "SHOW USERS YIELD user",
				"RENAME USER `conf-a` TO `conf-a`",
			)
			c.run("system", "RENAME USER $a TO $b", dict{"a": "nobody", "b": "x"})
			c.run("system", "RENAME USER $a TO $b", dict{"a": "conf-a", "b": "conf-c"})
			c.run("system", "RENAME USER $a TO $b", dict{"a": "conf-a", "b": "conf-b"})
		}},
		{name: "a session whose user is gone", hold: func(s *stage) {
			s.withUsers("conf-a")
			c := s.logOn(v58, "conf-a", "first-password")
			s.setUp("DROP USER `conf-a`")
			c.system("SHOW CURRENT USER", "SHOW USERS YIELD user")
			c.run("neo4j", "RETURN 1 AS one", nil)
		}},
		{name: "users as commands", calendar: true, hold: func(s *stage) {
			s.withUsers("conf-a")
			c := s.admin(v58)
			c.system("CYPHER 25 SHOW USERS AS COMMANDS YIELD command ORDER BY command", "SHOW USERS AS COMMANDS", "CYPHER 25 SHOW USERS WITH AUTH AS COMMANDS YIELD * ORDER BY user")
		}},
		{name: "other failures", hold: func(s *stage) {
			c := s.admin(v58)
			c.system("", "   ", ";", "SHOW USERS;", "SHOW USERS;;", "SHOW USERS; SHOW USERS", "SHOW", "CREATE", "RETURN 1", "MATCH (n) RETURN n", "CREATE (n)", "USE system SHOW USERS",
				"CALL dbms.setConfigValue('a', 'b')", "CALL dbms.nosuch()", "CYPHER 25 SHOW ROLES WITH AUTH RULES", "CYPHER 7 SHOW USERS", "SHOW USERS 'x", "/* open", "SHOW USERS // fine", "show\u00a0users")
			c.run("neo4j", "RETURN 1 AS a, 2 AS a", nil)
			c.run("neo4j", "RETURN nosuch", nil)
			c.run("neo4j", "RETURN 1 +", nil)
			c.run("neo4j", "RETURN 'a' + ", nil)
		}},
	}
}

func showConversations() []conversation {
	unsupported := []string{
		"CREATE ROLE r", "CREATE ROLE r IF NOT EXISTS", "CREATE OR REPLACE ROLE r", "CREATE ROLE r AS COPY OF reader", "DROP ROLE r", "DROP ROLE r IF EXISTS", "RENAME ROLE a TO b", "GRANT ROLE r TO u", "REVOKE ROLE r FROM u",
		"GRANT ACCESS ON DATABASE neo4j TO r", "DENY READ {*} ON GRAPH * TO r", "REVOKE WRITE ON GRAPH * FROM r", "REVOKE GRANT WRITE ON GRAPH * FROM r", "SHOW ROLES", "SHOW ROLES WITH USERS", "SHOW PRIVILEGES", "SHOW PRIVILEGES AS COMMANDS",
		"SHOW USER PRIVILEGES", "SHOW ROLE reader PRIVILEGES", "SHOW SUPPORTED PRIVILEGES", "SHOW SERVERS", "SHOW ALIASES FOR DATABASE", "CREATE DATABASE x", "DROP DATABASE x", "CYPHER 5 CREATE ROLE r", "create  role r",
		"EXPLAIN CREATE ROLE r", "GRANT ROLE $r TO $u",
	}
	return []conversation{
		{name: "unsupported commands", hold: func(s *stage) {
			c := s.admin(v58)
			c.system(unsupported...)
			c.run("neo4j", "CREATE ROLE r", nil)
		}},
		{name: "unsupported commands, 25", calendar: true, hold: func(s *stage) {
			c := s.admin(v58)
			c.system("CYPHER 25 CREATE ROLE r", "CYPHER 25 SHOW AUTH RULES", "CYPHER 25 SHOW ROLES AS COMMANDS", "CYPHER 25 GRANT SHOW USER METADATA ON DBMS TO r", "GRANT SHOW USER METADATA ON DBMS TO r")
		}},
		{name: "settings", hold: func(s *stage) {
			c := s.admin(v58)
			const least = "'dbms.security.auth_minimum_password_length'"
			for _, db := range []string{"system", "neo4j"} {
				for _, statement := range []string{
					"SHOW SETTINGS " + least, "SHOW SETTING " + least + " YIELD *", "SHOW SETTINGS 'server.bolt.enabled', " + least + ", 'nosuch'", "SHOW SETTINGS [" + least + ", 'server.bolt.enabled']",
					"SHOW SETTINGS 'dbms.security.' + 'auth_minimum_password_length'", "SHOW SETTINGS 'dbms.security.*'", "SHOW SETTINGS 'DBMS.SECURITY.AUTH_MINIMUM_PASSWORD_LENGTH'",
					"SHOW SETTINGS YIELD name WHERE name STARTS WITH 'dbms.security.' RETURN name", "SHOW SETTINGS YIELD name, value, isDynamic WHERE name STARTS WITH 'dbms.security.' AND name <> 'dbms.security.auth_enabled'",
					"SHOW SETTINGS YIELD name, startupValue, isExplicitlySet, isDeprecated, defaultValue WHERE name STARTS WITH 'dbms.security.auth'",
					"SHOW SETTINGS YIELD name, validValues WHERE name STARTS WITH 'dbms.security.' RETURN name, validValues",
					"SHOW SETTINGS YIELD name, value, startupValue, isDynamic WHERE name STARTS WITH 'dbms.security.' RETURN count(*) AS n",
					"SHOW SETTINGS 1", "SHOW SETTINGS null", "SHOW SETTINGS YIELD nosuch",
				} {
					c.run(db, statement, nil)
				}
			}
			c.run("system", "SHOW SETTINGS $n YIELD name", dict{"n": []any{"server.bolt.enabled"}})
			c.run("system", "SHOW SETTINGS $n YIELD name", dict{"n": "server.bolt.enabled"})
			c.run("system", "SHOW SETTINGS $n YIELD name", dict{"n": 1})
			c.run("system", "SHOW SETTINGS $n YIELD name", nil)
			c.bare("system", "SHOW SETTINGS", "SHOW SETTINGS YIELD *")
		}},
		{name: "databases", hold: func(s *stage) {
			c := s.admin(v58)
			c.system("SHOW DATABASES", "SHOW DATABASE neo4j", "SHOW DATABASE NEO4J", "SHOW DATABASE nosuch", "SHOW HOME DATABASE", "SHOW DEFAULT DATABASE", "SHOW DATABASES YIELD name", "SHOW DATABASES WHERE name = 'system'",
				"SHOW DATABASES YIELD name, home, default ORDER BY name DESC LIMIT 1", "SHOW DATABASES YIELD name, currentPrimariesCount, currentSecondariesCount, requestedPrimariesCount, requestedSecondariesCount, options, constituents",
				"SHOW DATABASES YIELD nosuch")
			c.run("neo4j", "SHOW DATABASES YIELD name", nil)
			c.run("system", "SHOW DATABASE $d", dict{"d": "neo4j"})
			c.bare("system", "SHOW DATABASES YIELD *")
		}},
		{name: "procedures", hold: func(s *stage) {
			c := s.admin(v58)
			c.system("CALL dbms.components()", "CALL dbms.components() YIELD name, versions, edition", "CALL dbms.components() YIELD name AS n", "CALL dbms.showCurrentUser()", "CALL dbms.components() YIELD nosuch",
				"CALL dbms.checkConfigValue('a', 'b')", "CALL dbms.routing.getRoutingTable({}, 'neo4j')", "CALL dbms.routing.getRoutingTable({}, 'nosuch')", "CALL dbms.components(1)", "CALL DBMS.COMPONENTS()", "CALL db.ping()")
			c.run("neo4j", "CALL db.ping()", nil)
			c.run("neo4j", "CALL dbms.components() YIELD name, versions, edition", nil)
			c.bare("system", "CALL dbms.info()", "CALL dbms.listConfig('dbms.security.auth_m')")
		}},
	}
}

func transactionConversations() []conversation {
	create := func(name string) []any {
		return []any{"CREATE USER `" + name + "` SET PASSWORD 'some-password'", dict{}, dict{}}
	}
	system := dict{"db": "system"}
	all := dict{"n": -1}
	const users = "SHOW USERS YIELD user WHERE user STARTS WITH 'conf'"
	return []conversation{
		{name: "commit", hold: func(s *stage) {
			s.dropUsers("conf-a", "conf-b")
			s.t.Cleanup(func() { s.dropUsers("conf-a", "conf-b") })
			c, other := s.admin(v58), s.admin(v58)
			other.label = "other "
			c.say(tagBegin, system)
			c.say(tagRun, create("conf-a")...)
			c.say(tagPull, all)
			c.say(tagRun, create("conf-b")...)
			c.say(tagPull, all)
			c.say(tagRun, users, dict{}, dict{})
			c.say(tagPull, all)
			other.run("system", users, nil)
			c.say(tagCommit)
			other.run("system", users, nil)
			c.say(tagBegin, system)
			c.say(tagCommit)
			c.say(tagBegin, dict{"db": "neo4j"})
			c.say(tagRun, "RETURN 1 AS one", dict{}, dict{})
			c.say(tagPull, all)
			c.say(tagCommit)
		}},
		{name: "rollback", hold: func(s *stage) {
			s.dropUsers("conf-a")
			c := s.admin(v58)
			for _, end := range []byte{tagRollback, tagReset} {
				c.say(tagBegin, system)
				c.say(tagRun, create("conf-a")...)
				c.say(tagPull, all)
				c.say(end)
				c.run("system", users, nil)
			}
			gone := s.admin(v58)
			gone.success(tagBegin, system)
			gone.success(tagRun, create("conf-a")...)
			gone.success(tagPull, all)
			gone.conn.Close()
			c.run("system", users, nil)
			c.say(tagRun, "CREATE USER `conf-a` SET PASSWORD 'some-password'", dict{}, system) // never pulled
			c.say(tagReset)
			c.run("system", users, nil)
			c.say(tagRun, "CREATE USER `conf-a` SET PASSWORD 'some-password'", dict{}, system)
			c.say(tagDiscard, all)
			c.run("system", users, nil)
			s.dropUsers("conf-a")
		}},
		{name: "an error in a transaction", hold: func(s *stage) {
			s.dropUsers("conf-a")
			c := s.admin(v58)
			c.say(tagBegin, system)
			c.say(tagRun, create("conf-a")...)
			c.say(tagPull, all)
			c.say(tagRun, create("conf-a")...)
			c.say(tagPull, all)
			c.say(tagCommit)
			c.say(tagRollback)
			c.say(tagReset)
			c.run("system", users, nil)
		}},
		{name: "kinds of statement", hold: func(s *stage) {
			c := s.admin(v58)
			for _, pair := range [][3]string{
				{"system", "SHOW USERS YIELD user LIMIT 0", "SHOW SETTINGS YIELD name LIMIT 0"}, {"system", "SHOW SETTINGS YIELD name LIMIT 0", "SHOW USERS YIELD user LIMIT 0"},
				{"system", "SHOW USERS YIELD user LIMIT 0", "CALL dbms.components()"}, {"system", "CALL dbms.components() YIELD name", "SHOW DATABASES YIELD name LIMIT 0"},
				{"neo4j", "SHOW USERS YIELD user LIMIT 0", "RETURN 1 AS one"}, {"neo4j", "RETURN 1 AS one", "SHOW USERS YIELD user LIMIT 0"}, {"neo4j", "SHOW USERS YIELD user LIMIT 0", "CREATE (n)"},
				{"neo4j", "RETURN 1 AS one", "SHOW SETTINGS YIELD name LIMIT 0"}, {"system", "DROP USER nobody IF EXISTS", "SHOW DATABASES YIELD name LIMIT 0"},
			} {
				c.say(tagBegin, dict{"db": pair[0]})
				for _, statement := range pair[1:] {
					if c.say(tagRun, statement, dict{}, dict{}) == tagSuccess {
						c.say(tagPull, all)
					}
				}
				c.send(tagReset)
				c.answer(tagSuccess)
			}
		}},
		{name: "read mode", hold: func(s *stage) {
			c := s.admin(v58)
			c.say(tagRun, "CREATE USER `conf-a` SET PASSWORD 'some-password'", dict{}, dict{"db": "system", "mode": "r"})
			c.say(tagReset)
			c.say(tagRun, users, dict{}, dict{"db": "system", "mode": "r"})
			c.say(tagPull, all)
			c.say(tagRun, "CREATE (n)", dict{}, dict{"db": "neo4j", "mode": "r"})
			c.say(tagReset)
		}},
		{name: "a second transaction waits", hold: func(s *stage) {
			s.dropUsers("conf-a", "conf-b")
			s.t.Cleanup(func() { s.dropUsers("conf-a", "conf-b") })
			for _, end := range []byte{tagRollback, tagCommit} {
				s.dropUsers("conf-a", "conf-b")
				first, second := s.admin(v58), s.admin(v58)
				first.label, second.label = "first ", "second "
				first.success(tagBegin, system)
				first.say(tagRun, create("conf-a")...)
				first.say(tagPull, all)
				second.success(tagBegin, system)
				second.say(tagRun, create("conf-b")...) // another user: no wait
				second.say(tagPull, all)
				second.send(tagRun, create("conf-a")...) // answered when the first has ended, whenever that is
				first.say(end)
				second.note("second RUN of the same user")
				if second.hear() == tagSuccess {
					second.say(tagPull, all)
					second.say(tagCommit)
				} else {
					second.say(tagReset)
				}
				first.run("system", users, nil)
			}
		}},
	}
}
