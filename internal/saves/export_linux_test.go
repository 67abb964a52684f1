package saves

// MountedIn is mountedIn for tests.
var MountedIn = mountedIn
