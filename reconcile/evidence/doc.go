// Package evidence keeps reports in a folder so that an auditor can tell whether one was changed, removed, put in or reordered since.
//
// The folder has a file for each report, 000001.json, 000002.json, …, and head.json, which names the newest. Each report carries the SHA-256 of the file before it; with a key
// each file has a detached signature beside it, 000001.json.sig, in OpenSSH's format SSHSIG (PROTOCOL.sshsig of OpenSSH) for the namespace keymaker-drift. What is signed and
// hashed are the bytes of the file, so other tools check them too:
//
//	sha256sum 000001.json                                                    # is "previous" in 000002.json
//	ssh-keygen -Y verify -f allowed_signers -I NAME -n keymaker-drift -s 000001.json.sig < 000001.json
//
// What a chain cannot show by itself is that its newest reports were removed together with a head that was put back: keep the head's hash, which each run prints, elsewhere, and
// give it to Check. Without a key the chain shows accidents, and no forger who rewrites all of it.
//
// Start at [Append] and [Check].
package evidence
