// 账户页面的简体中文文本。

export default {
  "account.sign_up": "注册账户", "account.sign_out": "退出登录", "account.unsent": { other: "你有 {n} 项更改尚未发送。在此退出登录后，它们会丢失。" }, "account.login": "登录名",
  "account.login_hint": "字母、数字以及 . _ @ + -", "account.name": "你的名字", "account.password": "密码", "account.password_hint": "至少 10 个字符，可以是一句话。",
  "account.wrong": "登录名或密码不正确。", "account.forgotten": "忘记密码？服务器管理者可以给你一个重设密码的链接。", "account.open_mode": "此服务器不使用账户，访客自己取名即可。", "account.to_board": "前往看板",
  "account.setup": "第一个账户", "account.setup_first": "这里还没有账户。服务器启动时已打印出创建第一个账户的地址。", "account.setup_hint": "此账户可以查看和更改此服务器上的所有看板和账户。", "account.setup_done": "第一个账户已创建。",
  "account.make": "创建账户", "account.taken": "该登录名已被使用，请另选一个。", "account.used": "此链接已被使用或已过期，请重新索取。", "account.closed": "没有邀请无法在此注册。请联系服务器管理者。",
  "account.no_invitation": "此邀请已用完、被撤销或已过期，请索取新的邀请。", "account.invitation": "你受到邀请", "account.invited": "创建账户即可进入。", "account.invited_to": "加入看板 {board}，角色：{role}。",
  "account.join_as": "以 {name} 的身份进入", "account.have_one": "我已有账户", "account.reset": "新密码", "account.set_password": "设置密码", "account.signed_in_as": "当前登录：{login}。",
  "account.change_password": "更改密码", "account.change_hint": "你将在其他所有地方退出登录。如果他人可能使用过你的账户，请同时终止其令牌。", "account.current": "当前密码", "account.new_password": "新密码",
  "account.wrong_current": "当前密码不正确。", "account.changed": "已更改。你已在其他所有地方退出登录。", "account.sessions": "已登录的位置", "account.some_browser": "某个浏览器",
  "account.this_one": "此浏览器", "account.seen": "上次使用：{when}", "account.end": "退出", "account.tokens": "程序令牌", "account.end_tokens": "API 令牌", "account.keep_them": "保留", "account.end_them": "全部终止", "account.tokens_hint": "程序以 “Authorization: Bearer …” 发送它。",
  "account.token_name": "用途", "account.may": "权限", "account.reads": "读取", "account.writes": "读取和更改", "account.boards": "仅限这些看板",
  "account.boards_hint": "看板的 id，用逗号分隔；留空：你能看到的全部。", "account.all_boards": "所有看板", "account.days": "有效天数", "account.make_token": "创建令牌", "account.revoke": "撤销",
  "account.until": "有效至 {day}", "account.send": "仅显示这一次，请发给你要邀请的人。", "account.once": "仅显示这一次。请保存在他人看不到的地方。", "account.copy": "复制", "account.copied": "已复制",
  "account.none": "无。", "account.invitations": "邀请", "account.invitations_hint": "打开链接的人即可进入，次数由你决定。", "account.to_server": "到此服务器", "account.made_by": "由 {name} 创建",
  "account.uses": "人数", "account.uses_left": { other: "{n} 人" }, "account.role": "角色", "account.invite": "创建邀请", "account.people_of": "{board} 的成员",
  "account.members": "成员", "account.role_of": "{name} 的角色", "account.remove": "移除", "account.leave": "离开看板", "account.leave_which": "离开“{board}”？",
  "account.leave_sure": "你将不再是其中卡片的负责人；只有看板的所有者再次加入你，你才能回来。", "account.add": "添加", "account.nobody": "这里没有人使用该登录名。", "account.owners_only": "只有看板的所有者可以更改。",
  "account.last_owner": "看板至少要有一位所有者。", "account.visibility": "谁可以查看此看板", "audit.member.set": "{who} 设定了 {about}", "audit.member.remove": "{who} 移除了 {about}", "audit.board.create": "{who} 创建了看板", "audit.board.update": "{who} 更改了谁可以读取看板：{about}",
  "audit.invitation made": "{who} 创建了邀请（{about}）", "audit.invitation revoked": "{who} 撤销了邀请", "account.audit": "角色变更记录", "account.no_board": "没有这个看板，或者你无权查看。", "visibility.private": "仅成员",
  "visibility.members": "此服务器的所有用户", "visibility.link": "任何有链接的人",
};
