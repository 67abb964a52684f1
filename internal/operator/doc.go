// Package operator does what a keeper's commands do. A Registration brings the
// guild's commands up to date. A Doctor looks at a whole deployment, says of each
// thing whether it is right, and changes nothing.
//
// Both speak to people in whole sentences with what to do next, and show no
// secret and no error of a library's.
package operator
