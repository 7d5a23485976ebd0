// Package contract tests package apono and the fake server aponotest against Apono's
// OpenAPI document. It is a separate module, so that users of package apono do not
// depend on the validator of such documents:
//
//	go test -v .
//
// The document is openapi.json; README.md describes its origin.
//
// The tests check the table of operations, the types of inputs, responses and options,
// and the exchanges of every operation with the fake server. The fake server must
// reject what the document does not allow. Intended differences from the document are
// listed as deviations.
package contract
