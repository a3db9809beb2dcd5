// A room: shows what is said in it, and says what is typed. It comes back by itself when the connection is lost.
const log = document.getElementById("log");
const form = document.getElementById("say");
const address = new URL(log.dataset.socket, location.href.replace(/^http/, "ws"));
const texts = {
  joined: (message) => `${message.name} has joined.`,
  left: (message) => `${message.name} has left.`,
  said: (message) => `${message.name}: ${message.text}`,
  refused: (message) => message.errors.join(" "),
};
let socket;

function show(message) {
  const item = document.createElement("li");
  item.className = message.type;
  item.textContent = texts[message.type](message);
  log.append(item);
  item.scrollIntoView({ block: "nearest" });
  if ("count" in message) document.getElementById("count").textContent = message.count;
}

function connect(delay) {
  socket = new WebSocket(address);
  socket.onopen = () => { delay = 500; };
  socket.onmessage = (event) => show(JSON.parse(event.data));
  socket.onclose = () => setTimeout(connect, delay, Math.min(delay * 2, 30_000));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ text: form.text.value }));
  form.reset();
});

connect(500);
