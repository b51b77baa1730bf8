// Something is done to many runs part by part: each page sends the form for the next, after a moment to stop it.
const PAUSE = 700; // ms

setTimeout(() => document.getElementById("go-on").requestSubmit(), PAUSE);
