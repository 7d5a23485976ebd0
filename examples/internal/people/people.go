// Package people tells which addresses belong to the same person.
package people

import (
	"slices"
	"strings"

	"github.com/apono-go/apono"
)

// Directory has the users of Apono by their addresses, which are case-insensitive.
type Directory struct{ primary, alias map[string][]*apono.User }

// NewDirectory returns a directory of users.
func NewDirectory(users []*apono.User) *Directory {
	d := &Directory{map[string][]*apono.User{}, map[string][]*apono.User{}}
	for _, user := range users {
		d.primary[key(user.Email)] = append(d.primary[key(user.Email)], user)
		for _, address := range user.EmailAliases {
			d.alias[key(address)] = append(d.alias[key(address)], user)
		}
	}
	return d
}

// Find returns the users with an address: those with this primary address or, if there
// are none, those with this alias.
func (d *Directory) Find(address string) []*apono.User {
	if users := d.primary[key(address)]; len(users) > 0 {
		return users
	}
	return d.alias[key(address)]
}

// All returns all users with an address, primary or alias.
func (d *Directory) All(address string) []*apono.User {
	return slices.Concat(d.primary[key(address)], d.alias[key(address)])
}

// Key returns a key that is the same for all addresses of a person. An alias that several
// people share has a key of its own.
func (d *Directory) Key(address string) string {
	keys := Primaries(d.Find(address))
	if len(keys) != 1 {
		return key(address)
	}
	return keys[0]
}

// Primaries returns the different primary addresses of users in lower case, sorted.
func Primaries(users []*apono.User) []string {
	var keys []string
	for _, user := range users {
		keys = append(keys, key(user.Email))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func key(address string) string { return strings.ToLower(address) }
