// Package contract holds package apono and the fake server aponotest against
// Apono's own OpenAPI document. It is a module of its own, so that the validator
// of such documents gets into nobody's module graph, and it has tests only:
//
//	go test -v .
//
// The document is openapi.json; the README says where it comes from.
//
// The tests check the table of operations, the types of inputs, answers and
// options, and the exchanges of every operation with the fake server, which has
// to refuse what the document does not allow. What is meant to differ from the
// document stands in one list, deviations.
package contract
